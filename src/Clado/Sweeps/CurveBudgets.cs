namespace Clado.Sweeps;

/// <summary>Chooses budgets that show a curve: from the smallest file to the largest, denser where it bends.</summary>
internal static class CurveBudgets
{
    // An even grid first, so that no part is left out because its ends lie on a line by chance.
    private const int FirstIntervals = 4;

    // Budgets closer than this share of the range show the same network twice, or two that nobody would tell apart by size.
    private const int Finest = 256;

    // Losses below this share of the largest, and below this many nats, differ by nothing that an evaluation could see.
    private const double FloorShare = 0.01, FloorLoss = 1e-3;

    /// <summary>Chooses.</summary>
    /// <param name="smallest">Bytes of the smallest file.</param>
    /// <param name="largest">Bytes of the largest file worth having.</param>
    /// <param name="count">Budgets wanted. Range: [2, inf).</param>
    /// <param name="loss">Predicted loss at a budget, falling with it.</param>
    /// <returns>Ascending, from smallest to largest; fewer where there are not as many whole bytes between. Shape: [budgets].</returns>
    /// <remarks>
    /// Halves the interval with the largest area between the curve and the chord of its ends, by its middle, in the logarithm of the loss: the greedy
    /// placement of knots for a piecewise linear curve. A jump draws budgets near, but every halving halves its pull.
    /// </remarks>
    public static IReadOnlyList<long> Choose(long smallest, long largest, int count, Func<long, double> loss)
    {
        double floor = Math.Max(Math.Min(FloorShare * loss(smallest), FloorLoss), double.Epsilon);
        double Height(long budget) => Math.Log(Math.Max(loss(budget), floor));
        var intervals = new PriorityQueue<Interval, double>();
        var budgets = new SortedSet<long> { smallest, largest };
        void Add(Interval interval)
        {
            if (interval.Upper - interval.Lower > Math.Max(1, (largest - smallest) / Finest))
            {
                intervals.Enqueue(interval, -interval.Area);
            }
        }

        int first = Math.Min(FirstIntervals, count - 1);
        long[] grid = [.. Enumerable.Range(0, first + 1).Select(i => smallest + ((largest - smallest) * i / first)).Distinct()];
        budgets.UnionWith(grid);
        for (int i = 1; i < grid.Length; i++)
        {
            Add(Interval.Of(grid[i - 1], grid[i], Height));
        }
        while (budgets.Count < count && intervals.TryDequeue(out var widest, out _))
        {
            budgets.Add(widest.Middle);
            Add(Interval.Of(widest.Lower, widest.Middle, Height));
            Add(Interval.Of(widest.Middle, widest.Upper, Height));
        }
        return [.. budgets];
    }

    /// <summary>A stretch between two budgets.</summary>
    /// <param name="Lower">The smaller budget.</param>
    /// <param name="Upper">The larger budget.</param>
    /// <param name="Area">What lies between curve and chord; where nothing bends, wide stretches win.</param>
    private sealed record Interval(long Lower, long Upper, double Area)
    {
        private const double Flat = 1e-6;

        public long Middle => Lower + ((Upper - Lower) / 2);

        public static Interval Of(long lower, long upper, Func<long, double> height)
        {
            var straight = new Interval(lower, upper, 0);
            double bend = Math.Abs(height(straight.Middle) - ((height(lower) + height(upper)) / 2));
            return straight with { Area = (upper - lower) * (bend + Flat) };
        }
    }
}
