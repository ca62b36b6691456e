using Clado.Curves;
using CsCheck;
using Xunit;

namespace Clado.Tests.Curves;

public class TargetSearchTests
{
    private const long Smallest = 10_000, Largest = 80_000;

    [Fact]
    public void OnAMonotoneCurveItIsTheThreshold() =>
        Gen.Select(Gen.Long[Smallest, Largest], Gen.Long[1, 500]).Sample((threshold, step) =>
        {
            // Choices fill their budgets up to a step.
            CurvePoint Measure(long budget) => Point(budget, Math.Max(Smallest, budget / step * step));
            var found = TargetSearch.Find([], Smallest, Largest, p => p.SizeBytes >= threshold, Measure);
            var all = Enumerable.Range(0, (int)(Largest - Smallest) + 1).Select(i => Measure(Smallest + i));
            var best = all.FirstOrDefault(p => p.SizeBytes >= threshold);
            if (Measure(Largest).SizeBytes < threshold)
            {
                Assert.Null(found);
                return;
            }
            Assert.InRange(found!.SizeBytes, best!.SizeBytes, best.SizeBytes + Math.Max(1, best.SizeBytes / 200));
        });

    [Fact]
    public void OnAnyCurveWhatIsFoundWasMeasuredAndNothingSmallerMeasuredMeetsTheCondition() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[0, 12]).Sample((seed, knownCount) =>
        {
            bool Keeps(CurvePoint p) => new Random(seed ^ (int)p.SizeBytes).NextDouble() < p.SizeBytes / 60_000.0;
            var random = new Random(seed);
            var budgets = Enumerable.Range(0, knownCount).Select(_ => random.NextInt64(Smallest, Largest));
            var measured = budgets.Select(b => Point(b, b)).ToList();
            CurvePoint Measure(long budget)
            {
                Assert.InRange(budget, Smallest, Largest);
                measured.Add(Point(budget, budget));
                return measured[^1];
            }
            var found = TargetSearch.Find([.. measured], Smallest, Largest, Keeps, Measure);
            Assert.Equal(measured.Where(Keeps).MinBy(p => p.SizeBytes)?.SizeBytes, found?.SizeBytes);
            Assert.InRange(measured.Count - knownCount, 0, 12);
        });

    private static CurvePoint Point(long budget, long size) => new()
    {
        Method = CurveMethod.Clado,
        Budget = $"{budget}",
        BudgetBytes = budget,
        SizeBytes = size,
        BitsPerWeight = 4,
        Allocation = new Dictionary<string, int>(),
    };
}
