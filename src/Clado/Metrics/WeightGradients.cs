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

    /// <summary>
    /// Full passes that an image's gradient is worth: forward, and back to outputs and weights of what follows the layers.
    /// </summary>
    public double PassesAnImage
    {
        get
        {
            if (layers.Count == 0)
            {
                return 0;
            }
            var own = layers.Select(layer => layer.Name).ToHashSet();
            int first = context.Cuts.Layers.Index().First(layer => own.Contains(layer.Item.Name)).Index;
            return 1 + ((context.Cuts.Suffixes[first].Macs + layers.Sum(layer => layer.Macs)) / (double)Math.Max(1, context.Cuts.Macs));
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
        using var run = new Run(this, image, weights);
        context.Count(1, 1);
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
        using var run = new Run(this, image, weights);
        using var starts = new OwnedList<OrtValue>(readout.Spread(vector(run.Outputs), run.Outputs).Zip(readout.Outputs, (seed, output) =>
            OrtValue.CreateTensorValueFromMemory(seed, [.. context.Graph.Tensors[output].Shape])));
        foreach (var (name, value) in seeds.Zip(starts))
        {
            run.Values[name] = value;
        }
        using var found = backward.Run(run.Values);
        var byName = backward.Outputs.Zip(found).ToDictionary();
        context.Count(PassesAnImage, 1);
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

    /// <summary>An image that went forward.</summary>
    private sealed class Run : IDisposable
    {
        private readonly List<IDisposable> owned = [];

        public Run(WeightGradients gradients, ImageBatch image, float[][] weights)
        {
            var feed = image.Feed();
            owned.Add(feed);
            var fed = new OwnedList<OrtValue>(gradients.layers.Zip(weights, (layer, own) =>
                OrtValue.CreateTensorValueFromMemory(own, [.. layer.Shape])));
            owned.Add(fed);
            Values = feed.Concat(gradients.layers.Select(layer => layer.Weight).Zip(fed, KeyValuePair.Create)).ToDictionary();
            var outputs = gradients.forward.Run(Values);
            owned.Add(outputs);
            foreach (var (name, value) in gradients.forward.Outputs.Zip(outputs))
            {
                Values[name] = value;
            }
            Outputs = gradients.readout.Collect(
                gradients.readout.Outputs.Select(name => Values[name].GetTensorDataAsSpan<float>().ToArray()), image, gradients.source);
        }

        /// <summary>Inputs, weights and activations by name.</summary>
        public Dictionary<string, OrtValue> Values { get; }

        /// <summary>What is read. Shape: [outputs].</summary>
        public float[] Outputs { get; }

        public void Dispose() => owned.ForEach(own => own.Dispose());
    }
}
