using Clado.Allocation;

namespace Clado.Comparisons;

/// <summary>What one metric chose for one budget.</summary>
/// <param name="Metric">Name of the metric.</param>
/// <param name="Budget">The budget.</param>
/// <param name="Choices">Bits of every choice, one or several. Shape: [choices][layers].</param>
/// <param name="Evaluated">What they lose. Shape: [choices].</param>
/// <param name="Gap">How far its score may be from the least; null where nothing was minimised.</param>
internal sealed record MetricOutcome(
    string Metric, string Budget, IReadOnlyList<ChosenBits> Choices, IReadOnlyList<EvaluatedChoice> Evaluated, double? Gap)
{
    /// <summary>Position of the choice that stands for all: the one of median loss, of an even number the better of both.</summary>
    public int Median => Evaluated.Index().OrderBy(own => own.Item.Loss).ElementAt((Evaluated.Count - 1) / 2).Index;

    /// <summary>A quantile of the losses, between two by their distances; null of one choice.</summary>
    /// <param name="share">Range: [0, 1].</param>
    public double? Quantile(double share)
    {
        if (Evaluated.Count == 1)
        {
            return null;
        }
        double[] losses = [.. Evaluated.Select(own => own.Loss).Order()];
        double position = share * (losses.Length - 1);
        int below = (int)position;
        return below + 1 == losses.Length ? losses[^1] : losses[below] + ((position - below) * (losses[below + 1] - losses[below]));
    }
}

/// <summary>A choice.</summary>
/// <param name="Bits">Bits of the layers. Shape: [layers].</param>
/// <param name="BitsPerWeight">Their mean over the weights.</param>
internal sealed record ChosenBits(IReadOnlyList<int> Bits, double BitsPerWeight);

/// <summary>Makes the rows of a comparison: regrets, their errors, and who is within noise of the best.</summary>
internal static class ComparisonTable
{
    private const double LowerQuartile = 0.25, UpperQuartile = 0.75;

    /// <summary>The rows, budget by budget, the least loss first.</summary>
    /// <param name="outcomes">What all metrics chose. Shape: [metrics · budgets].</param>
    /// <param name="metrics">The metrics. Shape: [metrics].</param>
    public static IReadOnlyList<ComparisonRow> Rows(
        IReadOnlyList<MetricOutcome> outcomes, IReadOnlyList<ComparedMetric> metrics) =>
        [.. outcomes.GroupBy(outcome => outcome.Budget).SelectMany(group => Rows([.. group], metrics.ToDictionary(m => m.Name)))];

    /// <summary>The metrics with their mean regrets, the least first, those that have none last.</summary>
    /// <param name="metrics">The metrics. Shape: [metrics].</param>
    /// <param name="rows">Their rows. Shape: [rows].</param>
    public static IReadOnlyList<ComparedMetric> Ranked(IReadOnlyList<ComparedMetric> metrics, IReadOnlyList<ComparisonRow> rows)
    {
        var least = rows.GroupBy(row => row.Budget).ToDictionary(own => own.Key, own => own.Min(row => row.Loss));
        double? MeanRegret(string metric)
        {
            var own = rows.Where(row => row.Metric == metric).ToArray();
            return own.Length == least.Count && least.Count > 0 && least.Values.All(loss => loss > 0)
                ? own.Average(row => (row.Loss / least[row.Budget]) - 1) : null;
        }

        return
        [
            .. metrics.Select(metric => metric with { MeanRegret = MeanRegret(metric.Name) })
                .OrderBy(metric => metric.Problem is null ? 0 : 1).ThenBy(metric => metric.MeanRegret ?? double.MaxValue),
        ];
    }

    private static IEnumerable<ComparisonRow> Rows(MetricOutcome[] outcomes, Dictionary<string, ComparedMetric> metrics)
    {
        // Of equal losses the cheaper metric comes first.
        var ordered = outcomes.OrderBy(own => own.Evaluated[own.Median].Loss).ThenBy(own => metrics[own.Metric].Passes).ToArray();
        var best = ordered[0];
        foreach (var own in ordered)
        {
            int median = own.Median;
            var (evaluated, chosen) = (own.Evaluated[median], own.Choices[median]);
            var regret = LossGain.Of([.. best.Evaluated[best.Median].Losses], [.. evaluated.Losses]);
            yield return new ComparisonRow
            {
                Metric = own.Metric,
                Budget = own.Budget,
                SizeBytes = evaluated.SizeBytes,
                BitsPerWeight = chosen.BitsPerWeight,
                Loss = evaluated.Loss,
                LossStandardError = LossGain.Of(new double[evaluated.Losses.Count], evaluated.Losses).StandardError,
                LossLow = own.Quantile(LowerQuartile),
                LossHigh = own.Quantile(UpperQuartile),
                Regret = regret.Mean,
                RegretStandardError = regret.StandardError,
                WithinNoise = !regret.IsSignificant,
                Top1 = evaluated.Top1,
                Agreement = evaluated.Agreement,
                Measure = evaluated.Measure,
                MeasureValue = evaluated.MeasureValue,
                Gap = own.Gap,
                Passes = metrics[own.Metric].Passes,
                Seconds = metrics[own.Metric].Seconds,
                LayersDiffering = chosen.Bits.Zip(best.Choices[best.Median].Bits).Count(pair => pair.First != pair.Second),
                Allocation = chosen.Bits,
            };
        }
    }
}
