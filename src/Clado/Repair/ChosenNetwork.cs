using Clado.Activations;
using Clado.Candidates;
using Clado.Execution;
using Clado.Export;
using Clado.Inference;
using Clado.Losses;

namespace Clado.Repair;

/// <summary>A network with chosen weights, whose activations are to be rounded: what that loses on some images.</summary>
internal sealed class ChosenNetwork
{
    private readonly NetworkLosses losses;
    private readonly IReadOnlyList<Candidate> chosen;
    private readonly WorkProgress? progress;

    /// <summary>Measures what the weights lose.</summary>
    /// <param name="losses">The float network, and images.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="progress">Told of every image; of how many there will be, nobody knows.</param>
    public ChosenNetwork(NetworkLosses losses, IReadOnlyList<Candidate> chosen, WorkProgress? progress)
    {
        (this.losses, this.chosen, this.progress) = (losses, chosen, progress);
        WeightLoss = Loss(null);
    }

    /// <summary>Loss increase with the chosen weights and float activations.</summary>
    public double WeightLoss { get; }

    /// <summary>Images that losses are measured on.</summary>
    public int Images => losses.Workload.Images.Items.Count;

    /// <summary>Mean loss increase over the float network of the file that would be written.</summary>
    /// <param name="activations">What is rounded; null for nothing.</param>
    public double Loss(QuantizedActivations? activations)
    {
        var (graph, readout, sum) = (losses.Graph, losses.Readout, new double[Images]);
        var source = OutputSource.Quantized(graph.File);
        using var runner = activations is null
            ? new ModelRunner(FakeQuantizedGraph.Of(graph, chosen), readout, source)
            : ModelRunner.AsWritten(ModelWriter.Build(graph, chosen, activations), graph.Inputs, readout, source);
        losses.ForEachBatch(BatchSize.Of(graph), (batch, start, measure) =>
        {
            var outputs = runner.RunUnchecked(batch);
            var own = outputs.All(Finite.Are)
                ? measure(readout.Collect(outputs, batch, source))
                : [.. Enumerable.Repeat(Finite.Broken, batch.Count)];
            own.CopyTo(sum, start);
            progress?.Add(batch.Count);
        });
        return sum.Contains(Finite.Broken) ? double.PositiveInfinity : sum.Average();
    }

    /// <summary>What is rounded where some nodes compute in floats.</summary>
    /// <param name="floats">Indices of the nodes.</param>
    public ActivationPlan Plan(IReadOnlySet<int> floats) => ActivationPlan.Of(losses.Graph, [.. chosen.Select(c => c.Layer)], floats);

    /// <summary>MACs of the layers that compute in integers with a range.</summary>
    /// <param name="plan">The plan of the range.</param>
    /// <param name="range">The range.</param>
    public static double Macs(ActivationPlan plan, int range) =>
        plan.Nodes.Where(node => plan.Kernels[range].Contains(node.Node)).Sum(MacsOf);

    /// <summary>Share of the layers' MACs that are computed in floats. Range: [0, 1].</summary>
    /// <param name="plan">What is rounded.</param>
    public double FloatMacs(ActivationPlan plan)
    {
        double all = chosen.Sum(c => (double)c.Layer.Macs);
        return all > 0 ? Math.Clamp(1 - (plan.Nodes.Sum(MacsOf) / all), 0, 1) : 0;
    }

    /// <summary>MACs of one use of a layer.</summary>
    /// <param name="node">The use.</param>
    public static double MacsOf(IntegerNode node) => (double)node.Layer.Macs / node.Layer.Nodes.Count;
}
