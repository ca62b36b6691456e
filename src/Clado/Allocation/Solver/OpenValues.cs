namespace Clado.Allocation.Solver;

/// <summary>
/// What is known of a node at every value of the budget: its bound, the objective it must pass, and the bound of what has been left out of
/// it. A value is open while the bound is below its cutoff; closed ones are no longer looked at.
/// </summary>
internal sealed class OpenValues
{
    // Bounds are lines in the budget, drawn where the relaxation was solved, and optima are not: half the square of how far the values'
    // cutoffs lie from the middle one, relatively, is what a line loses. Values are looked into apart where it is more than this share of
    // the gap.
    private const double LossShare = 0.2;

    private readonly BudgetRange range;
    private readonly double[] closed;
    private readonly List<int[]> choices = [];

    public OpenValues(BudgetRange range, double[] bounds, double[] cutoffs)
    {
        (this.range, Bounds, Cutoffs) = (range, [.. bounds], [.. cutoffs]);
        closed = new double[range.Count];
        Array.Fill(closed, double.PositiveInfinity);
        Raise(bounds);
    }

    /// <summary>Bound of the node at each value, infinite where closed. Shape: [values].</summary>
    public double[] Bounds { get; }

    /// <summary>Objective of the best choice known at each value, −infinity where closed. Shape: [values].</summary>
    public double[] Cutoffs { get; }

    /// <summary>Whether a value is open.</summary>
    public bool Any => Array.Exists(Cutoffs, double.IsFinite);

    /// <summary>Index of the largest open value.</summary>
    public int Largest => Array.FindLastIndex(Cutoffs, double.IsFinite);

    /// <summary>The open value with as many open below as above.</summary>
    public int Middle
    {
        get
        {
            int[] open = [.. Open()];
            return open[open.Length / 2];
        }
    }

    /// <summary>Whether a value is open.</summary>
    /// <param name="value">Index of the value, or −1.</param>
    public bool IsOpen(int value) => value >= 0 && double.IsFinite(Cutoffs[value]);

    /// <summary>Whether the open values are too far apart for the bounds of one relaxation.</summary>
    /// <param name="at">The value it was solved at; open.</param>
    public bool AreFarApart(int at)
    {
        int[] open = [.. Open()];
        double apart = (Cutoffs[open[0]] - Cutoffs[open[^1]]) / 2;
        return open.Length > 1 && apart * apart / 2 > LossShare * Math.Abs(Cutoffs[at]) * (Cutoffs[at] - Bounds[at]);
    }

    /// <summary>The bounds of the lower and of the upper half of the open values, infinite at all others. Shape: [2][values].</summary>
    public IEnumerable<double[]> Halves()
    {
        int middle = Middle;
        yield return [.. Bounds.Select((bound, j) => j < middle ? bound : double.PositiveInfinity)];
        yield return [.. Bounds.Select((bound, j) => j >= middle ? bound : double.PositiveInfinity)];
    }

    /// <summary>Raises the bounds of the node, and closes the values they close.</summary>
    /// <param name="bounds">Shape: [values].</param>
    public void Raise(double[] bounds)
    {
        for (int j = 0; j < bounds.Length; j++)
        {
            Bounds[j] = Math.Max(Bounds[j], bounds[j]);
            if (Bounds[j] >= Cutoffs[j])
            {
                closed[j] = Math.Min(closed[j], Bounds[j]);
                (Bounds[j], Cutoffs[j]) = (double.PositiveInfinity, double.NegativeInfinity);
            }
        }
    }

    /// <summary>Leaves out a part of the node if its bounds close every open value.</summary>
    /// <param name="bounds">Bounds of the part. Shape: [values].</param>
    /// <returns>Whether they do.</returns>
    public bool TryClose(double[] bounds)
    {
        foreach (int j in Open())
        {
            if (bounds[j] < Cutoffs[j])
            {
                return false;
            }
        }
        foreach (int j in Open())
        {
            closed[j] = Math.Min(closed[j], bounds[j]);
        }
        return true;
    }

    /// <summary>Closes the values that the cheapest choice breaks.</summary>
    /// <param name="paying">The problem and the values less the charges that are paid.</param>
    /// <param name="allowed">Candidates left. Shape: [n].</param>
    public void CloseBelow(BudgetRange paying, bool[] allowed)
    {
        if (paying.Count > 1)
        {
            var cost = paying.Problem.Costs[paying.Budget];
            long least = Enumerable.Range(0, paying.Problem.LayerCount)
                .Sum(layer => paying.Problem.CandidatesOf(layer).Where(a => allowed[a]).Min(a => cost[a]));
            Raise([.. paying.Values.Select(value => value < least ? double.PositiveInfinity : double.NegativeInfinity)]);
        }
    }

    /// <summary>Looks at every choice of a few layers, which closes every value.</summary>
    /// <param name="allowed">Candidates left. Shape: [n].</param>
    /// <param name="free">Layers with more than one. Shape: [free layers].</param>
    public void Enumerate(bool[] allowed, int[] free)
    {
        foreach (int j in Open().ToArray())
        {
            var (choice, least) = Enumeration.Least(range.At(j), allowed, free);
            if (choice is not null && least < Cutoffs[j])
            {
                choices.Add(choice);
            }
            closed[j] = Math.Min(closed[j], least);
        }
        Array.Fill(Cutoffs, double.NegativeInfinity);
    }

    /// <summary>Keeps a choice where it is better.</summary>
    /// <param name="choice">Within the other budgets. Shape: [layers].</param>
    public void Offer(int[] choice)
    {
        double objective = range.Problem.Objective(choice);
        bool better = false;
        for (int j = range.From(choice); j < range.Count; j++)
        {
            if (objective < Cutoffs[j])
            {
                (Cutoffs[j], better) = (objective, true);
            }
        }
        if (better)
        {
            choices.Add(choice);
        }
    }

    /// <summary>What looking into the node has found.</summary>
    /// <param name="children">Parts that are left.</param>
    /// <param name="work">What it took.</param>
    public BranchOutcome Outcome(IReadOnlyList<BranchNode> children, double work) => new(children, closed, choices, work);

    /// <summary>What looking into the node has found, where no choice of it can be better at the open values.</summary>
    /// <param name="work">What it took.</param>
    public BranchOutcome Closed(double work) => Outcome([], work);

    private IEnumerable<int> Open() => Enumerable.Range(0, Cutoffs.Length).Where(IsOpen);
}
