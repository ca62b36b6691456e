using Clado.Activations;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Repair;

namespace Clado;

/// <summary>The stages from chosen weights to rounded activations, and to what these cost.</summary>
/// <param name="run">The run.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
/// <param name="cancellation">Stops; costs of ranges that are measured are kept in the run folder.</param>
internal sealed class ActivationStages(MeasuredRun run, IProgress<StageProgress>? progress, CancellationToken cancellation)
{
    // Every step of a repair runs the network on all of them.
    internal const int ImagesForRepair = 64;

    // Steps of a repair that is neither short nor long; where it takes more, the share stays at its end.
    internal const int UsualSteps = 20;

    /// <summary>Finds the grids of activations on the network with chosen weights; repairs what costs too much where asked to.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <returns>What is written of activations; null where they stay floats.</returns>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public QuantizedActivations? Find(IReadOnlyList<Candidate> chosen)
    {
        if (run.Plan is not { } plan)
        {
            return null;
        }
        if (plan.AreKept)
        {
            return KeptGrids.Of(run.Graph, run.Layers);
        }
        var (rule, repairs) = (RangeRule.Of(run.Activations.Ranges), run.Activations.Format == ActivationFormat.Auto);
        var work = On(StageNames.ActivationRanges).Limit(MeasuredRun.ImagesForRanges);
        var seen = RangeMeasurement.Look(FakeQuantizedGraph.Of(run.Graph, chosen), plan, repairs || rule.NeedsCounts, work);
        var usual = new QuantizedActivations(plan, ActivationRanges.Of(seen.Select(rule.Interval)));
        return repairs && seen.Count > 0 ? Repaired(usual, chosen, seen, rule) : usual;
    }

    /// <summary>Measures what activations cost in a file.</summary>
    /// <param name="written">The file.</param>
    /// <param name="activations">What was written of activations.</param>
    /// <param name="evaluation">The file on the run's images; null where it was not evaluated, and is run on some of them.</param>
    public ActivationEffect Measure(WrittenModel written, QuantizedActivations activations, EvaluationResult? evaluation)
    {
        if (evaluation?.LossIncrease is { } loss)
        {
            double weights = run.WeightLoss(written.Chosen, StageNames.ActivationCost, progress, cancellation);
            return new ActivationEffect(evaluation.Images, weights, loss) { Repair = activations.Repair };
        }
        var losses = Losses(On(StageNames.ActivationCost).Limit(MeasuredRun.ImagesForRanges));
        var (graph, images) = (run.Graph, losses.Workload.Images.Items.Count);
        var source = OutputSource.Quantized(graph.File);
        using var networks = new OwnedList<ModelRunner>(Runners());
        var done = new WorkProgress(networks.Count * images, losses.Workload.Progress);
        var measured = losses.Measure(networks, BatchSize.Of(graph), done);
        return new ActivationEffect(images, measured[0].Average(), measured[1].Average()) { Repair = activations.Repair };

        IEnumerable<ModelRunner> Runners()
        {
            yield return new ModelRunner(FakeQuantizedGraph.Of(graph, written.Chosen), losses.Readout, source);
            yield return ModelRunner.AsWritten(written.Model, graph.Inputs, losses.Readout, source);
        }
    }

    private QuantizedActivations Repaired(
        QuantizedActivations usual, IReadOnlyList<Candidate> chosen, IReadOnlyList<ActivationHistogram> seen, RangeRule rule)
    {
        var losses = Losses(On(StageNames.LookingAtActivations).Limit(ImagesForRepair), keepsBatches: true);
        var steps = new WorkProgress(UsualSteps * losses.Workload.Images.Items.Count, losses.Workload.Progress);
        long promised = run.FileSize.Predict(chosen);
        var repair = new ActivationRepair(
            new ChosenNetwork(losses, chosen, steps), plan => run.FileSizeOf(plan).Predict(chosen) <= promised);
        return repair.Find(usual, seen, () => Costs(usual.Plan, rule));
    }

    /// <summary>What each range costs alone; what the run folder has is not measured again. Shape: [ranges].</summary>
    private IReadOnlyList<RangeCost> Costs(ActivationPlan plan, RangeRule rule)
    {
        var work = On(StageNames.EachActivation).Limit(ImagesForRepair);
        var seen = RangeMeasurement.Look(run.Graph, plan, counts: true, work with { Progress = null });
        using var records = run.OpenRecords();
        return new RangeCosts(Losses(work), plan, seen, records).Measure(rule);
    }

    private NetworkLosses Losses(Workload work, bool keepsBatches = false) =>
        new(run.Graph, run.Sensitivity.Loss, run.Scales, work) { KeepsBatches = keepsBatches };

    private Workload On(string stage) => run.On(stage, progress, cancellation);
}
