namespace Clado.Curves;

/// <summary>Chooses budgets that show a curve: from the smallest file to the largest, closer together where the curve bends.</summary>
internal static class CurveBudgets
{
    // An even grid comes first: the ends of a part may lie on its chord by chance, and the part must not be left out then.
    private const int FirstIntervals = 4;

    // Budgets closer than this share of the range give the same network, or networks of practically the same size.
    private const int Finest = 256;

    // No evaluation shows a difference between losses below this share of the largest, or below this many nats.
    private const double FloorShare = 0.01, FloorLoss = 1e-3;

    /// <summary>Chooses budgets.</summary>
    /// <param name="smallest">Bytes of the smallest file.</param>
    /// <param name="largest">Bytes of the largest file worth having.</param>
    /// <param name="count">Number of budgets. Range: [2, inf).</param>
    /// <param name="loss">Predicted loss at a budget, falling with it.</param>
    /// <returns>
    /// Bytes, ascending from smallest to largest; fewer than asked for where there are not enough whole bytes in between. Shape: [budgets].
    /// </returns>
    /// <remarks>
    /// The greedy placement of knots for a piecewise linear curve, in the logarithm of the loss.
    /// Each step halves one interval: the one with the largest area between the curve and the chord of its ends.
    /// A jump attracts budgets, but the area at the jump halves with every step, so that it does not attract all of them.
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
    /// <param name="Area">Area between curve and chord. Where nothing bends, wide stretches have the larger one.</param>
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
