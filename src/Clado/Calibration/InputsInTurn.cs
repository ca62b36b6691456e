using Clado.Graphs;
using Clado.Images;
using Clado.Layers;

namespace Clado.Calibration;

/// <summary>
/// Measures the inputs of one layer after the other where the layers before it have been replaced, beside those in the float network. Both networks are carried
/// along from layer to layer where their tensors fit into memory; else each layer's inputs are computed from the images.
/// </summary>
internal sealed class InputsInTurn : IDisposable
{
    private readonly Graph graph;
    private readonly Queue<(QuantizableLayer Layer, IReadOnlyList<LayerUse> Uses)> ahead;
    private readonly ImageBatches batches;
    private readonly CarriedNetwork floats;
    private readonly CarriedNetwork replaced;
    private readonly int imageCount;
    private readonly int threads;

    /// <summary>Begins before the first layer.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="behind">The network in which weights are replaced: the same, or the same with its activations rounded.</param>
    /// <param name="layers">The layers, in order of execution. Shape: [layers].</param>
    /// <param name="images">Calibration images.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    /// <param name="memoryBytes">Memory to stay under. Range: [1, inf).</param>
    /// <exception cref="CladoException">The widest layer does not fit into memory.</exception>
    public InputsInTurn(
        Graph graph, Graph behind, IReadOnlyList<QuantizableLayer> layers, ImageSet images, Preprocessing preprocessing, int threads, long memoryBytes)
    {
        (this.graph, this.threads, imageCount) = (graph, threads, images.Items.Count);
        ahead = new(layers.Select(layer => (layer, LayerUse.Of(graph, behind, layer))));
        NetworkGoal[] goals = [.. ahead.Select(l => new NetworkGoal(l.Uses.Select(use => use.Tensor).ToHashSet(), new HashSet<string>()))];
        // A layer's constants are open until its inputs are measured.
        NetworkGoal[] goalsBehind = [.. ahead.Select((l, i) => new NetworkGoal(
            l.Uses.Select(use => use.Behind).ToHashSet(), layers.Skip(i).SelectMany(later => new[] { later.Weight, later.Bias }).OfType<string>().ToHashSet()))];
        long Bytes(Graph network, NetworkGoal[] goals) => NetworkPart.Plan(network, goals, isCarried: true).Max(part => part.CarriedBytes(network));
        long imageBytes = Bytes(graph, goals) + Bytes(behind, goalsBehind);
        // The products of both networks' inputs are kept beside those of one.
        bool isCarried = imageBytes * imageCount <= InputMeasurement.Available(graph, layers, threads, memoryBytes) - (2 * layers.Max(InputMeasurement.SizeBytes));
        batches = new ImageBatches(images, graph, preprocessing, InputMeasurement.BatchSize(imageBytes / sizeof(float)));
        floats = new(graph, batches, NetworkPart.Plan(graph, goals, isCarried));
        replaced = new(behind, batches, NetworkPart.Plan(behind, goalsBehind, isCarried));
    }

    /// <summary>Measures the inputs of the next layer.</summary>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">Inputs are not finite.</exception>
    public InputStatistics Next(CancellationToken cancellation)
    {
        var (layer, uses) = ahead.Dequeue();
        floats.Advance();
        replaced.Advance();
        var sum = new LayerSum(graph, layer, uses, isReplaced: true, imageCount);
        InputMeasurement.Sweep([sum], batches, Run, threads, cancellation);
        return sum.Result();
    }

    private (BatchTensors Values, BatchTensors? Floats) Run(int batch)
    {
        var values = replaced.Run(batch);
        try
        {
            return (values, floats.Run(batch));
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a constant of the layer that was measured last.</summary>
    /// <param name="name">Name of its weight or bias.</param>
    /// <param name="values">In its shape.</param>
    public void Replace(string name, float[] values) => replaced.Replace(name, values);

    public void Dispose()
    {
        floats.Dispose();
        replaced.Dispose();
    }
}
