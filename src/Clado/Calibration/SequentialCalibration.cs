using Clado.Graphs;
using Clado.Images;
using Clado.Layers;

namespace Clado.Calibration;

/// <summary>
/// Measures the inputs of one layer after the other in a network whose earlier layers are quantized already,
/// together with the same inputs in the float network.
/// Where memory allows, both networks keep their tensors from layer to layer (<see cref="CarriedNetwork"/>).
/// Else each layer's inputs are computed from the images.
/// </summary>
internal sealed class SequentialCalibration : IDisposable
{
    private readonly Graph graph;
    private readonly Queue<(QuantizableLayer Layer, IReadOnlyList<LayerUse> Uses)> ahead;
    private readonly ImageBatches batches;
    private readonly CarriedNetwork floats;
    private readonly CarriedNetwork quantized;
    private readonly Workload work;

    /// <summary>Begins before the first layer.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="replaced">The network in which weights are replaced: the same one, or the one with quantized activations.</param>
    /// <param name="layers">The layers, in order of execution. Shape: [layers].</param>
    /// <param name="work">Calibration images.</param>
    /// <exception cref="CladoException">The widest layer does not fit into memory.</exception>
    public SequentialCalibration(Graph graph, Graph replaced, IReadOnlyList<QuantizableLayer> layers, Workload work)
    {
        (this.graph, this.work) = (graph, work);
        ahead = new(layers.Select(layer => (layer, LayerUse.Of(graph, replaced, layer))));
        NetworkGoal[] goals = [.. ahead.Select(l => new NetworkGoal(l.Uses.Select(use => use.Tensor).ToHashSet(), new HashSet<string>()))];
        // A layer's constants are open until its inputs are measured.
        NetworkGoal[] quantizedGoals = [.. ahead.Select((l, i) => new NetworkGoal(
            l.Uses.Select(use => use.Quantized).ToHashSet(),
            layers.Skip(i).SelectMany(later => new[] { later.Weight, later.Bias }).OfType<string>().ToHashSet()))];
        long imageBytes = CarriedBytes(graph, goals) + CarriedBytes(replaced, quantizedGoals);
        // The matrix of cross products needs as much memory as the Gram matrix.
        long available = InputMeasurement.Available(graph, layers, work.Resources) - (2 * layers.Max(InputMeasurement.SizeBytes));
        bool isCarried = imageBytes * work.Images.Items.Count <= available;
        batches = work.Batches(graph, InputMeasurement.BatchSize(imageBytes / sizeof(float)));
        floats = new(graph, batches, NetworkPart.Plan(graph, goals, isCarried));
        quantized = new(replaced, batches, NetworkPart.Plan(replaced, quantizedGoals, isCarried));
    }

    /// <summary>Measures the inputs of the next layer.</summary>
    /// <exception cref="CladoException">Inputs are not finite.</exception>
    public InputStatistics Next()
    {
        var (layer, uses) = ahead.Dequeue();
        floats.Advance();
        quantized.Advance();
        var sum = new LayerSum(graph, layer, uses, isReplaced: true, work.Images.Items.Count);
        InputMeasurement.Pass([sum], batches, Run, work);
        return sum.Result();
    }

    /// <summary>Replaces a constant of the layer that was measured last.</summary>
    /// <param name="name">Name of its weight or bias.</param>
    /// <param name="values">The values. Shape: that of the constant, flat.</param>
    public void Replace(string name, float[] values) => quantized.Replace(name, values);

    public void Dispose()
    {
        floats.Dispose();
        quantized.Dispose();
    }

    /// <summary>The most bytes an image that a network keeps between two layers.</summary>
    private static long CarriedBytes(Graph network, NetworkGoal[] goals) =>
        NetworkPart.Plan(network, goals, isCarried: true).Max(part => part.CarriedBytes(network));

    private (BatchTensors Values, BatchTensors? Floats) Run(int batch)
    {
        var values = quantized.Run(batch);
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
}
