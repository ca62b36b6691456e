namespace Clado.Allocation.Solver;

/// <summary>The best choice known at every value of a range, and how well it is proven.</summary>
internal sealed class Incumbents
{
    // Objectives closer than this share of the largest entry, times the layers, differ by rounding only: they are sums of layers² terms,
    // and a unit in the last place is 1.1e-16 of one.
    private const double RoundingShare = 1e-13;

    private readonly BudgetRange range;
    private readonly double gapLimit;

    // The least absolute difference worth proving.
    private readonly double rounding;
    private readonly int[]?[] best;
    private readonly double[] objective, closed;
    private readonly bool[] isProvenEmpty;

    /// <summary>Begins with no choice known.</summary>
    /// <param name="range">The problem and the values of a budget.</param>
    /// <param name="gapLimit">A relative gap that counts as proof. Range: [0, 1).</param>
    public Incumbents(BudgetRange range, double gapLimit)
    {
        (this.range, this.gapLimit) = (range, gapLimit);
        rounding = RoundingShare * range.Problem.LayerCount * range.Problem.Matrix.Max(Math.Abs);
        (best, objective, closed) = (new int[range.Count][], new double[range.Count], new double[range.Count]);
        isProvenEmpty = new bool[range.Count];
        Array.Fill(objective, double.PositiveInfinity);
        Array.Fill(closed, double.PositiveInfinity);
    }

    /// <summary>Choices of at least this objective are of no interest; none is where no choice is known. Shape: [values].</summary>
    public double[] Cutoffs() => [.. objective.Select(Cutoff)];

    /// <summary>A unit of each value's objective, so that bounds at different values compare. Shape: [values].</summary>
    public double[] Units() => [.. objective.Select(value => Math.Max(Math.Abs(value), rounding))];

    /// <summary>Objective of the best choice, infinite where none is known. Shape: [values].</summary>
    public IReadOnlyList<double> Objective => objective;

    /// <summary>Keeps a choice at every value where it is the best so far.</summary>
    /// <param name="choice">Within the other budgets. Shape: [layers].</param>
    public void Offer(int[] choice)
    {
        double value = range.Problem.Objective(choice);
        for (int j = range.From(choice); j < range.Count; j++)
        {
            if (value < objective[j] && range.At(j).IsFeasible(choice))
            {
                (best[j], objective[j]) = (choice, value);
            }
        }
    }

    /// <summary>Lets local search find a choice for every value.</summary>
    /// <param name="cancellation">Ends early.</param>
    public void Search(CancellationToken cancellation)
    {
        for (int j = 0; j < range.Count; j++)
        {
            var found = LocalSearchAllocator.Best(range.At(j), cancellation);
            isProvenEmpty[j] = found.IsProven;
            if (found.Choice is { } choice)
            {
                Offer(choice);
            }
        }
    }

    /// <summary>No value has a choice.</summary>
    public void ProveEmpty() => Array.Fill(isProvenEmpty, true);

    /// <summary>How many of the best choices hold each candidate. Shape: [n].</summary>
    public double[] Use()
    {
        var use = new double[range.Problem.CandidateCount];
        foreach (int chosen in best.OfType<int[]>().SelectMany(choice => choice))
        {
            use[chosen]++;
        }
        return use;
    }

    /// <summary>Leaves a part of the search behind.</summary>
    /// <param name="bounds">No choice of it has an objective below this. Shape: [values].</param>
    public void Close(double[] bounds)
    {
        for (int j = 0; j < closed.Length; j++)
        {
            closed[j] = Math.Min(closed[j], bounds[j]);
        }
    }

    /// <summary>The answers, once every part has been left behind. Shape: [values].</summary>
    public AllocationSolution[] Solutions()
    {
        for (int j = range.Count - 2; j >= 0; j--)
        {
            // Fewer choices are never better.
            closed[j] = Math.Max(closed[j], closed[j + 1]);
        }
        return [.. Enumerable.Range(0, range.Count).Select(Solution)];
    }

    private double Cutoff(double value) =>
        double.IsInfinity(value) ? double.NegativeInfinity : value - Math.Max(gapLimit * Math.Abs(value), rounding);

    private AllocationSolution Solution(int j)
    {
        if (best[j] is not { } choice)
        {
            return AllocationSolution.None(isProvenEmpty[j]);
        }
        double bound = objective[j] - closed[j] <= rounding ? objective[j] : closed[j];
        return AllocationSolution.Of(range.Problem, choice, bound, gapLimit);
    }
}
