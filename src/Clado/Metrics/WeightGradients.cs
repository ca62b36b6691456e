using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Sensitivity;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Metrics;

/// <summary>
/// Gradients of a loss by the weights of layers, wherever these weights are: they are inputs, so that one session serves all of them; or by
/// tensors in between. An image goes forward and back alone. Safe to run from several threads at once.
/// </summary>
internal sealed class WeightGradients : IDisposable
{
    private readonly MetricContext context;
    private readonly IReadOnlyList<QuantizableLayer> layers;
    private readonly Readout readout;
    private readonly LossFactory losses;
    private readonly string[] seeds, gradients;
    private readonly GraphSession forward, backward;
    private readonly OutputSource source;

    /// <summary>Makes the sessions.</summary>
    /// <param name="context">The network.</param>
    /// <param name="layers">The layers. Shape: [layers].</param>
    /// <param name="loss">Name of the loss; null to choose by the network.</param>
    /// <param name="tensors">Names of tensors that gradients are by instead of the layers' weights. Shape: [tensors].</param>
    /// <exception cref="OnnxFormatException">An operator has no gradient.</exception>
    public WeightGradients(
        MetricContext context, IReadOnlyList<QuantizableLayer> layers, string? loss, IReadOnlyList<string>? tensors = null)
    {
        tensors ??= [.. layers.Select(layer => layer.Weight)];
        (this.context, this.layers, readout) = (context, layers, context.Readout);
        losses = new LossFactory(context.Graph, readout, context.Inputs.Work.Images, loss, context.Inputs.Scales);
        source = OutputSource.Float(context.Graph.File);
        var graph = LocalFunctions.Inlined(context.Graph);
        var names = GraphWalk.Names(graph.Model.Graph);
        seeds = [.. readout.Outputs.Select((_, i) => Free(names, $"seed_{i}"))];
        var gradient = GradientGraph.Of(
            graph, [.. readout.Outputs.Zip(seeds, (tensor, seed) => new Seed.Given(tensor, seed))], [.. tensors]);
        gradients = [.. tensors.Select(tensor => gradient.Gradient(tensor))];
        var (first, second) = ModelHalves.Of(graph, gradient.Model, readout.Outputs);
        var fed = layers.Select(layer => layer.Weight).ToHashSet();
        forward = new GraphSession(Fed(graph, first, fed), graph.File);
        backward = new GraphSession(Fed(graph, second, fed), graph.File);
    }

    /// <summary>Bytes of what an image's pass forward leaves for the one back.</summary>
    public long BytesAnImage => sizeof(float) * forward.Outputs.Sum(name =>
        context.Graph.Tensors.TryGetValue(name, out var tensor) ? tensor.ElementCount : 0);

    /// <summary>
    /// Full passes that an image's gradient is worth once it went forward: back to outputs and weights of what follows the layers.
    /// </summary>
    private double PassesBack
    {
        get
        {
            if (layers.Count == 0)
            {
                return 0;
            }
            var own = layers.Select(layer => layer.Name).ToHashSet();
            int first = context.Cuts.Layers.Index().First(layer => own.Contains(layer.Item.Name)).Index;
            return (context.Cuts.Suffixes[first].Macs + layers.Sum(layer => layer.Macs)) / (double)Math.Max(1, context.Cuts.Macs);
        }
    }

    /// <summary>The float weights of the layers. Shape: [layers][parameters].</summary>
    public float[][] Weights() => [.. layers.Select(context.Weights)];

    /// <summary>Outputs for an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="weights">The layers' weights. Shape: [layers][parameters].</param>
    /// <returns>Shape: [outputs].</returns>
    public float[] Outputs(ImageBatch image, float[][] weights)
    {
        using var run = Forward(image, weights);
        return run.Outputs;
    }

    /// <summary>The loss's gradient by the outputs.</summary>
    /// <param name="image">The image.</param>
    /// <param name="floatOutputs">The float network's outputs. Shape: [outputs].</param>
    /// <param name="outputs">Where the gradient is taken. Shape: [outputs].</param>
    /// <returns>Shape: [outputs].</returns>
    public float[] Slope(ImageBatch image, float[] floatOutputs, float[] outputs)
    {
        var slope = new float[outputs.Length];
        losses.Create(floatOutputs, outputs, image).Slope(0, slope);
        return slope;
    }

    /// <summary>The gradient of an image's loss at the float network.</summary>
    /// <param name="image">The image.</param>
    /// <param name="weights">The float weights. Shape: [layers][parameters].</param>
    /// <param name="drawn">
    /// Whether a loss without a slope at the float network gets a vector drawn in its place, whose mean outer product is its curvature.
    /// </param>
    /// <returns>Shape: [layers][parameters].</returns>
    public float[][] Of(ImageBatch image, float[][] weights, Random? drawn) => Back(image, weights, outputs =>
    {
        if (drawn is null)
        {
            return Slope(image, outputs, outputs);
        }
        var vector = new float[outputs.Length];
        losses.Create(outputs, outputs, image).Draw(0, drawn, vector);
        return vector;
    });

    /// <summary>The gradient of the product of an image's outputs with a vector.</summary>
    /// <param name="image">The image.</param>
    /// <param name="weights">Where it is taken. Shape: [layers][parameters].</param>
    /// <param name="vector">Gives the vector for the outputs. Shape: [outputs].</param>
    /// <returns>Shape: [layers][parameters].</returns>
    public float[][] Back(ImageBatch image, float[][] weights, Func<float[], float[]> vector)
    {
        using var run = Forward(image, weights);
        return Back(run, vector(run.Outputs));
    }

    /// <summary>An image's pass forward, from which any number may go back.</summary>
    /// <param name="image">The image.</param>
    /// <param name="weights">The layers' weights. Shape: [layers][parameters].</param>
    public ForwardPass Forward(ImageBatch image, float[][] weights)
    {
        context.Count(layers.Count == 0 ? 0 : 1, 1);
        var pass = new ForwardPass(image, layers, weights, forward);
        pass.Read(readout, source);
        return pass;
    }

    /// <summary>The gradient of the product of outputs with a vector.</summary>
    /// <param name="pass">The pass forward.</param>
    /// <param name="vector">The vector. Shape: [outputs].</param>
    /// <returns>Shape: [layers][parameters].</returns>
    public float[][] Back(ForwardPass pass, float[] vector)
    {
        using var starts = new OwnedList<OrtValue>(readout.Spread(vector, pass.Outputs).Zip(readout.Outputs, (seed, output) =>
            OrtValue.CreateTensorValueFromMemory(seed, [.. context.Graph.Tensors[output].Shape])));
        var values = new Dictionary<string, OrtValue>(pass.Values);
        foreach (var (name, value) in seeds.Zip(starts))
        {
            values[name] = value;
        }
        using var found = backward.Run(values);
        var byName = backward.Outputs.Zip(found).ToDictionary();
        context.Count(PassesBack, 1);
        return [.. gradients.Select(name => byName[name].GetTensorDataAsSpan<float>().ToArray())];
    }

    public void Dispose()
    {
        forward.Dispose();
        backward.Dispose();
    }

    /// <summary>The model with some of its constants as inputs.</summary>
    private static ModelProto Fed(Graph graph, ModelProto model, HashSet<string> names)
    {
        foreach (var constant in model.Graph.Initializer.Where(tensor => names.Contains(tensor.Name)).ToArray())
        {
            model.Graph.Initializer.Remove(constant);
            model.Graph.Input.Add(GraphPart.ValueInfo(graph, constant.Name));
        }
        return model;
    }

    private static string Free(ISet<string> names, string name)
    {
        while (!names.Add(name))
        {
            name += "_";
        }
        return name;
    }
}
