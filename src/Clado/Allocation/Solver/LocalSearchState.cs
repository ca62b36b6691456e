namespace Clado.Allocation.Solver;

/// <summary>A choice with the sums that make the gain of a move cheap: <c>field[a] = Σ_j G[a, choice_j]</c>.</summary>
internal sealed class LocalSearchState
{
    // A move must gain more than rounding in the updated sums can feign, or the search would walk in circles: this share of the largest
    // entry, some thousand units in its last place.
    private const double RelativeGain = 1e-12;

    private readonly AllocationProblem problem;
    private readonly double[] field;
    private readonly ChoiceCosts costs;
    private readonly double leastGain;

    public LocalSearchState(AllocationProblem problem, int[] choice)
    {
        this.problem = problem;
        Choice = choice;
        field = new double[problem.CandidateCount];
        costs = new ChoiceCosts(problem, choice);
        foreach (int chosen in choice)
        {
            AddRow(chosen, 1);
        }
        leastGain = RelativeGain * problem.Matrix.Max(Math.Abs);
    }

    public int[] Choice { get; }

    /// <summary>Makes the best change of one layer within the budgets, if any helps.</summary>
    public bool TryChangeOne()
    {
        var (best, gain) = (-1, -leastGain);
        for (int a = 0; a < problem.CandidateCount; a++)
        {
            if (Choice[problem.LayerOf[a]] != a && Fits(a, -1) && Change(a) is var change && change < gain)
            {
                (best, gain) = (a, change);
            }
        }
        if (best >= 0)
        {
            Set(best);
        }
        return best >= 0;
    }

    /// <summary>
    /// For one candidate after the other, makes the best exchange of it with a candidate of a later layer within the budgets, if any helps.
    /// </summary>
    /// <param name="cancellation">Ends early.</param>
    /// <returns>Whether any helped.</returns>
    public bool TryExchange(CancellationToken cancellation)
    {
        int n = problem.CandidateCount;
        var g = problem.Matrix;
        bool any = false;
        for (int a = 0; a < n && !cancellation.IsCancellationRequested; a++)
        {
            int old = Choice[problem.LayerOf[a]];
            if (old == a)
            {
                continue;
            }
            var (partner, gain) = (-1, -leastGain);
            double changeA = Change(a);
            for (int b = problem.Start[problem.LayerOf[a] + 1]; b < n; b++)
            {
                int oldB = Choice[problem.LayerOf[b]];
                double cross = g[(a * n) + b] - g[(a * n) + oldB] - g[(old * n) + b] + g[(old * n) + oldB];
                if (oldB != b && changeA + Change(b) + (2 * cross) is var change && change < gain && Fits(a, b))
                {
                    (partner, gain) = (b, change);
                }
            }
            if (partner >= 0)
            {
                Set(a);
                Set(partner);
                any = true;
            }
        }
        return any;
    }

    /// <summary>What the objective changes by when a candidate replaces its layer's chosen one.</summary>
    private double Change(int a)
    {
        int n = problem.CandidateCount, old = Choice[problem.LayerOf[a]];
        var g = problem.Matrix;
        // field[a] holds G[a, old] of the layer itself, which leaves with the old candidate.
        return g[(a * n) + a] - g[(old * n) + old] + (2 * (field[a] - g[(a * n) + old] - (field[old] - g[(old * n) + old])));
    }

    private bool Fits(int a, int b)
    {
        for (int k = 0; k < problem.Budgets.Count; k++)
        {
            if (costs.Change(k, a, b) > costs.Slack(k))
            {
                return false;
            }
        }
        return true;
    }

    private void Set(int a)
    {
        AddRow(Choice[problem.LayerOf[a]], -1);
        AddRow(a, 1);
        costs.Set(a);
    }

    private void AddRow(int candidate, double sign)
    {
        var row = problem.Matrix.AsSpan(candidate * problem.CandidateCount, problem.CandidateCount);
        for (int a = 0; a < field.Length; a++)
        {
            field[a] += sign * row[a];
        }
    }
}
