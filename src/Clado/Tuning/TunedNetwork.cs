using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Onnx;
using Clado.Sensitivity;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Tuning;

/// <summary>
/// A network whose weights and biases are inputs, forward and back: one session each serves all steps. Safe to run from several threads
/// at once.
/// </summary>
internal sealed class TunedNetwork : IDisposable
{
    private readonly Graph graph;
    private readonly Readout readout;
    private readonly OutputSource source;
    private readonly string[] seeds;
    private readonly GradientGraph gradient;
    private readonly GraphSession forward, backward;
    private readonly (string Weight, string? Bias)[] tuned;

    /// <summary>Makes the sessions.</summary>
    /// <param name="graph">The network: the float one, or the same with its activations rounded.</param>
    /// <param name="readout">Where it is read.</param>
    /// <param name="layers">The layers that are tuned. Shape: [tuned layers].</param>
    /// <param name="source">What errors call it.</param>
    /// <exception cref="CladoException">An operator has no gradient; the message names node and operator.</exception>
    public TunedNetwork(Graph graph, Readout readout, IReadOnlyList<Candidate> layers, OutputSource source)
    {
        (this.graph, this.readout, this.source) = (LocalFunctions.Inlined(graph), readout, source);
        tuned = [.. layers.Select(layer => (layer.Layer.Weight, layer.Bias is null ? null : layer.Layer.Bias))];
        var names = GraphWalk.Names(this.graph.Model.Graph);
        seeds = [.. readout.Outputs.Select((_, output) => Free(names, $"seed_{output}"))];
        string[] given = [.. tuned.SelectMany(layer => new[] { layer.Weight, layer.Bias }).OfType<string>()];
        gradient = GradientOf(this.graph, readout, seeds, given);
        var (first, second) = ModelHalves.Of(this.graph, gradient.Model, readout.Outputs, given);
        forward = new GraphSession(first, source.File);
        try
        {
            backward = new GraphSession(second, source.File);
        }
        catch
        {
            forward.Dispose();
            throw;
        }
    }

    /// <summary>Checks that a network has gradients by the weights of its layers.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <exception cref="CladoException">An operator has none; the message names node and operator.</exception>
    public static void Check(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        var (inlined, readout) = (LocalFunctions.Inlined(graph), Readout.Of(graph));
        var names = GraphWalk.Names(inlined.Model.Graph);
        _ = GradientOf(
            inlined, readout, [.. readout.Outputs.Select(_ => Free(names, "seed"))],
            [.. layers.Where(layer => layer.HasKnownInputs).Select(layer => layer.Weight)]);
    }

    /// <summary>Runs images forward and back.</summary>
    /// <param name="batch">The images.</param>
    /// <param name="constants">Weights and biases by name.</param>
    /// <param name="slope">
    /// Gives the gradient of the loss by the outputs. Shape of both: [images · elements].
    /// </param>
    /// <returns>
    /// Gradients by weight and bias, summed over the images; of a bias that is not tuned an empty one. Shape: [tuned layers].
    /// </returns>
    /// <exception cref="CladoException">An output is NaN or infinite.</exception>
    public (float[] Weight, float[] Bias)[] Run(
        ImageBatch batch, IReadOnlyDictionary<string, OrtValue> constants, Func<float[], float[]> slope)
    {
        using var feed = batch.Feed();
        var values = feed.Concat(constants).ToDictionary();
        using var outputs = forward.Run(values);
        foreach (var (name, value) in forward.Outputs.Zip(outputs))
        {
            values.TryAdd(name, value);
        }
        float[] collected = readout.Collect(
            readout.Outputs.Select(name => values[name].GetTensorDataAsSpan<float>().ToArray()), batch, source);
        using var seeded = new OwnedList<OrtValue>(readout.Spread(slope(collected), collected).Zip(readout.Outputs, (seed, output) =>
            graph.Value(output, seed, batch.Count)));
        foreach (var (name, value) in seeds.Zip(seeded))
        {
            values[name] = value;
        }
        using var gradients = backward.Run(values);
        var found = backward.Outputs.Zip(gradients, KeyValuePair.Create).ToDictionary();
        float[] Of(string? name) => name is null ? [] : found[gradient.Gradient(name)].GetTensorDataAsSpan<float>().ToArray();
        return [.. tuned.Select(layer => (Of(layer.Weight), Of(layer.Bias)))];
    }

    public void Dispose()
    {
        forward.Dispose();
        backward.Dispose();
    }

    private static GradientGraph GradientOf(Graph graph, Readout readout, string[] seeds, string[] given)
    {
        try
        {
            Seed[] pass = [.. seeds.Zip(readout.Outputs, (input, tensor) => new Seed.Given(tensor, input))];
            return GradientGraph.Of(graph, new GradientRequest([pass], given) { Given = given.ToHashSet() });
        }
        catch (OnnxFormatException e)
        {
            throw new CladoException($"{e.Message}; {Settings.Tune} wants gradients, leave it out for this model", e);
        }
    }

    /// <summary>Adds up the gradients of several parts, in their order.</summary>
    /// <param name="parts">Shape: [parts][layers]; the first becomes the sum.</param>
    public static (float[] Weight, float[] Bias)[] Sum((float[] Weight, float[] Bias)[][] parts)
    {
        foreach (var (sum, own) in parts.Skip(1).SelectMany(part => parts[0].Zip(part)))
        {
            TensorPrimitives.Add(sum.Weight, own.Weight, sum.Weight);
            TensorPrimitives.Add(sum.Bias, own.Bias, sum.Bias);
        }
        return parts[0];
    }

    /// <summary>A name that is not taken, and now is.</summary>
    /// <param name="names">Names that are taken.</param>
    /// <param name="name">How it begins.</param>
    public static string Free(ISet<string> names, string name)
    {
        while (!names.Add(name))
        {
            name += "_";
        }
        return name;
    }
}
