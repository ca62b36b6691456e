using Clado.Curves;
using CsCheck;
using Xunit;

namespace Clado.Tests.Curves;

public class CurveBudgetsTests
{
    private static readonly Gen<(long Smallest, long Span, int Count, double Power)> Curves =
        Gen.Select(Gen.Long[1, 1_000_000], Gen.Long[1, 1_000_000], Gen.Int[2, 60], Gen.Double[0.1, 5]);

    [Fact]
    public void TheyRiseFromTheSmallestToTheLargest() =>
        Curves.Sample((smallest, span, count, power) =>
        {
            var budgets = CurveBudgets.Choose(smallest, smallest + span, count, b => Math.Pow((double)smallest / b, power));
            Assert.Equal(smallest, budgets[0]);
            Assert.Equal(smallest + span, budgets[^1]);
            Assert.True(budgets.Zip(budgets.Skip(1)).All(p => p.First < p.Second));
            Assert.InRange(budgets.Count, 2, count);
            // Wherever there is room for all of them, all of them are there.
            Assert.True(span < 1024 || budgets.Count == count, $"{budgets.Count} of {count}");
        });

    [Fact]
    public void TheyAreDenseWhereTheCurveBends()
    {
        // Straight in the logarithm on both sides of 2000.
        var budgets = CurveBudgets.Choose(100, 10_000, 20, b => Math.Exp(b < 2000 ? -3.0 * b / 2000 : -3 - (0.1 * (b - 2000) / 8000)));
        int near = budgets.Count(b => b is > 1000 and < 3000);
        Assert.True(near >= 8, string.Join(' ', budgets));
    }

    [Fact]
    public void AJumpDoesNotSwallowThemAll()
    {
        var budgets = CurveBudgets.Choose(100_000, 300_000, 20, b => (b > 100_110 ? 0.04 : 0.3) * Math.Exp(-(b - 100_000) / 40_000.0));
        Assert.True(budgets.Count(b => b > 110_000) >= 12, string.Join(' ', budgets));
    }
}
