using Clado.Activations;
using Clado.Execution;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Records;

namespace Clado.Repair;

/// <summary>What rounding a range to 8 bits costs, all else in floats.</summary>
/// <param name="Range">The range.</param>
/// <param name="Usual">Loss increase on the usual grid.</param>
/// <param name="Rule">The rule that loses least: the usual one, unless another is better for sure.</param>
/// <param name="Loss">Loss increase on that rule's grid.</param>
internal sealed record RangeCost(int Range, double Usual, RangeRule Rule, double Loss);

/// <summary>
/// Measures the loss of every range on the float network, whatever the weights are: that is done once a run. Of the ranges that cost most,
/// all rules are tried.
/// </summary>
/// <param name="losses">The float network, and images.</param>
/// <param name="plan">The ranges.</param>
/// <param name="seen">Their values in the float network. Shape: [ranges].</param>
/// <param name="records">Finished units: read and added to.</param>
internal sealed class RangeCosts(
    NetworkLosses losses, ActivationPlan plan, IReadOnlyList<ActivationHistogram> seen, IRecordStore records)
{
    // Ranges whose rule is looked for. Costs fall fast: the sixteenth is seldom a hundredth of all.
    private const int MostTried = 16;

    /// <summary>Measures.</summary>
    /// <param name="usual">The rule of ranges that cost little.</param>
    /// <returns>Shape: [ranges].</returns>
    public IReadOnlyList<RangeCost> Measure(RangeRule usual)
    {
        var others = RangeRule.All.Where(rule => rule != usual).ToArray();
        int ranges = seen.Count, tried = Math.Min(MostTried, ranges);
        var done = new WorkProgress((ranges + ((double)tried * others.Length)) * Images.Items.Count, losses.Workload.Progress);
        var alone = Measure([.. Enumerable.Range(0, ranges).Select(range => new Trial(range, usual))], done);
        var costs = alone.Select((loss, range) => new RangeCost(range, Mean(loss), usual, Mean(loss))).ToArray();
        int[] costly = [.. costs.OrderByDescending(cost => cost.Usual).Take(tried).Select(cost => cost.Range)];
        var trials = costly.SelectMany(range => others.Select(rule => new Trial(range, rule))).ToArray();
        foreach (var ((range, rule), loss) in trials.Zip(Measure(trials, done)))
        {
            double mean = Mean(loss);
            if (mean < costs[range].Loss && PairedGain.IsSure(alone[range], loss))
            {
                costs[range] = costs[range] with { Rule = rule, Loss = mean };
            }
        }
        return costs;
    }

    private static double Mean(double[] losses) => losses.Contains(Finite.Broken) ? double.PositiveInfinity : losses.Average();

    private ImageSet Images => losses.Workload.Images;

    /// <summary>Loss of each trial on each image. Shape: [trials][images].</summary>
    private double[][] Measure(Trial[] trials, WorkProgress done)
    {
        var result = trials.Select(_ => new double[Images.Items.Count]).ToArray();
        using var network = new SwitchedNetwork(losses.Graph, plan, losses.Readout);
        losses.ForEachBatch(BatchSize.Of(losses.Graph), (batch, start, measure) =>
        {
            foreach (var (trial, loss) in trials.Zip(result))
            {
                var key = $"activations/{losses.Graph.Opset}/{Images.Items.Count}/{trial.Range}/{trial.Rule.Name}/{start}/{batch.Count}";
                records.GetOrAdd(key, () => Measure(network, batch, trial, measure), batch.Count).CopyTo(loss.AsSpan(start));
                done.Add(batch.Count);
            }
        });
        return result;
    }

    private double[] Measure(SwitchedNetwork network, ImageBatch batch, Trial trial, Func<float[], double[]> measure)
    {
        var (minimum, maximum) = trial.Rule.Interval(seen[trial.Range]);
        return network.Run(batch, trial.Range, ActivationRanges.Grid(minimum, maximum)) is { } outputs
            ? measure(outputs)
            : [.. Enumerable.Repeat(Finite.Broken, batch.Count)];
    }

    private sealed record Trial(int Range, RangeRule Rule);
}
