using Clado.Comparisons;
using Clado.Evaluation;
using CsCheck;
using Xunit;

namespace Clado.Tests.Comparisons;

public class ComparisonTableTests
{
    // Of two, the better stands for both, and lies below the lower quartile.
    private static readonly Gen<double[]> Several = Gen.OneOf(Gen.Double[0, 1].Array[1], Gen.Double[0, 1].Array[3, 30]);

    [Fact]
    public void RegretsAreOverTheBestAndNoiseIsTwoStandardErrors()
    {
        ComparedMetric[] metrics = [Metric("a", passes: 2), Metric("b", passes: 1), Metric("c", passes: 5)];
        // Image by image b loses exactly 0.1 more than a, and c nearly as much on average as a, far apart on every image.
        var rows = ComparisonTable.Rows(
        [
            Outcome("a", "3bit", [2, 4], [0.1, 0.2, 0.3, 0.4]), Outcome("b", "3bit", [2, 3], [0.2, 0.3, 0.4, 0.5]),
            Outcome("c", "3bit", [4, 4], [0.42, 0.3, 0.2, 0.1]), Outcome("b", "4bit", [4, 4], [0.1, 0.1, 0.1, 0.1]),
        ], metrics);
        Assert.Equal(["a", "c", "b", "b"], rows.Select(row => row.Metric));
        Assert.Equal([0, 0.005, 0.1, 0], rows.Select(row => row.Regret), Near);
        Assert.Equal([true, true, false, true], rows.Select(row => row.WithinNoise));
        Assert.Equal([0, 1, 1, 0], rows.Select(row => row.LayersDiffering));
        Assert.Equal(0, rows[2].RegretStandardError, 1e-9);
        Assert.Equal(Math.Sqrt(0.0125 / 4), rows[0].LossStandardError, 1e-12);
        var ranked = ComparisonTable.Ranked(metrics, rows);
        Assert.Equal("b", ranked[0].Name);
        Assert.Equal((0.4 + 0) / 2, ranked[0].MeanRegret!.Value, 1e-12);
        // Without a choice at one of the budgets there is no mean.
        Assert.All(ranked.Skip(1), metric => Assert.Null(metric.MeanRegret));
        static bool Near(double expected, double found) => Math.Abs(expected - found) < 1e-12;
    }

    [Fact]
    public void OfSeveralChoicesTheMedianAndTheQuartilesAreSaid() => Several.Sample(losses =>
    {
        var outcome = new MetricOutcome(
            "random", "3bit", [.. losses.Select(_ => new ChosenBits([2], 2))],
            [.. losses.Select(loss => new EvaluatedChoice(1, [loss]))], null);
        double median = losses[outcome.Median];
        int below = losses.Count(loss => loss < median), above = losses.Count(loss => loss > median);
        Assert.True(below <= losses.Length / 2 && above <= (losses.Length / 2) + 1);
        if (losses.Length == 1)
        {
            Assert.Null(outcome.Quantile(0.25));
            return;
        }
        Assert.Equal(losses.Min(), outcome.Quantile(0)!.Value, 1e-12);
        Assert.Equal(losses.Max(), outcome.Quantile(1)!.Value, 1e-12);
        Assert.InRange(outcome.Quantile(0.25)!.Value, losses.Min(), median + 1e-12);
        Assert.True(outcome.Quantile(0.75) >= median - 1e-12);
    });

    [Fact]
    public void AnEvaluationComesBackFromItsRecord() =>
        Gen.Select(Gen.Double[-1, 5].Array[1, 20], Gen.Double[0, 1].Nullable(), Gen.Double[0, 1].Nullable(), Gen.Int[-1, 3]).Sample(
            (losses, top1, value, measure) =>
            {
                var choice = new EvaluatedChoice(12345, losses)
                {
                    Top1 = top1,
                    Agreement = value,
                    Measure = measure < 0 ? null : (MeasureKind)measure,
                    MeasureValue = measure < 0 ? null : value,
                };
                double[] values = choice.ToValues();
                Assert.Equal(EvaluatedChoice.CountOf(losses.Length), values.Length);
                var back = EvaluatedChoice.FromValues(values);
                Assert.Equal(choice.Losses, back.Losses);
                Assert.Equal(choice with { Losses = [] }, back with { Losses = [] });
            });

    private static ComparedMetric Metric(string name, double passes) => new(name, "", "") { Passes = passes };

    private static MetricOutcome Outcome(string metric, string budget, int[] bits, double[] losses) =>
        new(metric, budget, [new ChosenBits(bits, bits.Average())], [new EvaluatedChoice(100, losses)], 0);
}
