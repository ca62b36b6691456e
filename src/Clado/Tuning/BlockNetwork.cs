using Clado.Candidates;
using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Tuning;

/// <summary>
/// A block of a network whose weights and biases are inputs, and the gradients of its weighted squared error by them. Safe to run from
/// several threads at once.
/// </summary>
internal sealed class BlockNetwork : IDisposable
{
    private readonly Graph graph;
    private readonly TunedBlock block;
    private readonly IReadOnlyList<float[]> importance;
    private readonly string[] targets;
    private readonly (string Weight, string? Bias)[] layers;
    private readonly GradientGraph gradient;
    private readonly GraphSession forward, both;

    /// <summary>Makes the sessions.</summary>
    /// <param name="network">The network with what is not tuned in the block; functions inlined.</param>
    /// <param name="block">The block.</param>
    /// <param name="tuned">The layers that are tuned, of all blocks. Shape: [tuned layers].</param>
    /// <param name="importance">Weights of its outputs' squared errors. Shape: [outputs][elements].</param>
    public BlockNetwork(Graph network, TunedBlock block, IReadOnlyList<Candidate> tuned, IReadOnlyList<float[]> importance)
    {
        (graph, this.block, this.importance) = (network, block, importance);
        layers = [.. block.Layers.Select(i => (tuned[i].Layer.Weight, tuned[i].Bias is null ? null : tuned[i].Layer.Bias))];
        string[] constants = [.. layers.SelectMany(layer => new[] { layer.Weight, layer.Bias }).OfType<string>()];
        var given = constants.Append(block.From).ToHashSet();
        var names = GraphWalk.Names(graph.Model.Graph);
        targets = [.. block.To.Select((_, output) => TunedNetwork.Free(names, $"target_{output}"))];
        Seed[] seeds = [.. block.To.Select((tensor, i) => new LossSeeds.Squared(tensor, targets[i], importance[i]))];
        gradient = GradientGraph.Of(graph, new GradientRequest([seeds], constants) { Given = given });
        forward = new GraphSession(GraphPart.Extract(graph, given, block.To), graph.File);
        try
        {
            both = new GraphSession(gradient.Model, graph.File);
        }
        catch
        {
            forward.Dispose();
            throw;
        }
    }

    /// <summary>The error of some images.</summary>
    /// <param name="batch">What the block takes, and what it is to give.</param>
    /// <param name="constants">Weights and biases by name.</param>
    public double Error(BlockBatch batch, IReadOnlyDictionary<string, OrtValue> constants)
    {
        using var feed = graph.Feed(block.From, batch.From, batch.Count);
        using var outputs = forward.Run(name => feed.GetValueOrDefault(name) ?? constants[name]);
        var found = forward.Outputs.Zip(outputs, KeyValuePair.Create).ToDictionary();
        double error = 0;
        foreach (var (i, name) in block.To.Index())
        {
            var own = found[name].GetTensorDataAsSpan<float>();
            for (int k = 0; k < own.Length; k++)
            {
                double difference = (double)own[k] - batch.To[i][k];
                error += importance[i][k % importance[i].Length] * difference * difference;
            }
        }
        return error;
    }

    /// <summary>The gradients of the error of some images.</summary>
    /// <param name="batch">What the block takes, and what it is to give.</param>
    /// <param name="constants">Weights and biases by name.</param>
    /// <returns>By weight and bias, of one that is not tuned an empty one. Shape: [layers].</returns>
    public (float[] Weight, float[] Bias)[] Gradients(BlockBatch batch, IReadOnlyDictionary<string, OrtValue> constants)
    {
        using var feed = graph.Feed(block.From, batch.From, batch.Count);
        foreach (var (i, target) in targets.Index())
        {
            feed.Add(target, graph.Value(block.To[i], batch.To[i], batch.Count));
        }
        using var outputs = both.Run(name => feed.GetValueOrDefault(name) ?? constants[name]);
        var found = both.Outputs.Zip(outputs, KeyValuePair.Create).ToDictionary();
        float[] Of(string? name) => name is null ? [] : found[gradient.Gradient(name)].Singles();
        return [.. layers.Select(layer => (Of(layer.Weight), Of(layer.Bias)))];
    }

    public void Dispose()
    {
        forward.Dispose();
        both.Dispose();
    }
}

/// <summary>What a block takes of some images, and what it is to give.</summary>
/// <param name="Count">How many images. Range: [1, inf).</param>
/// <param name="From">Shape: [images · elements].</param>
/// <param name="To">Shape: [outputs][images · elements].</param>
internal sealed record BlockBatch(int Count, float[] From, IReadOnlyList<float[]> To);
