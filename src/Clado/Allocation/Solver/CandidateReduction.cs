namespace Clado.Allocation.Solver;

/// <summary>Leaves out candidates that no best choice within the budgets needs.</summary>
internal static class CandidateReduction
{
    /// <summary>
    /// Removes candidates whose cost leaves too little for the cheapest candidates of the other layers, until nothing changes.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <param name="allowed">Candidates left; narrowed. Shape: [n].</param>
    /// <returns>False where a layer has no candidate left, or a budget cannot be kept: no choice exists.</returns>
    public static bool ByBudget(AllocationProblem problem, bool[] allowed)
    {
        if (Enumerable.Range(0, problem.LayerCount).Any(layer => !problem.CandidatesOf(layer).Any(a => allowed[a])))
        {
            return false;
        }
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int k = 0; k < problem.Budgets.Count; k++)
            {
                if (!TryNarrow(problem, k, allowed, ref changed))
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static bool TryNarrow(AllocationProblem problem, int budget, bool[] allowed, ref bool changed)
    {
        var cost = problem.Costs[budget];
        var least = new long[problem.LayerCount];
        Array.Fill(least, long.MaxValue);
        for (int a = 0; a < allowed.Length; a++)
        {
            if (allowed[a])
            {
                least[problem.LayerOf[a]] = Math.Min(least[problem.LayerOf[a]], cost[a]);
            }
        }
        if (least.Contains(long.MaxValue) || least.Sum() > problem.Budgets[budget])
        {
            return false;
        }
        long left = problem.Budgets[budget] - least.Sum();
        for (int a = 0; a < allowed.Length; a++)
        {
            if (allowed[a] && cost[a] - least[problem.LayerOf[a]] > left)
            {
                allowed[a] = false;
                changed = true;
            }
        }
        return true;
    }

    /// <summary>
    /// Removes candidates that a sibling beats: it costs no more of any budget, and the objective is no higher with it whatever the other
    /// layers choose. Of candidates alike the first stays.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <param name="allowed">Candidates left; narrowed. Shape: [n].</param>
    /// <param name="paid">Kinds whose charge is paid, as bits: a sibling of another kind might cost more than it seems.</param>
    public static void ByDominance(AllocationProblem problem, bool[] allowed, int paid)
    {
        bool IsPaid(int a) => problem.Charges is null || (paid >> problem.Charges.KindOf(a) & 1) == 1;
        bool IsDearer(int a, int b) => problem.Costs.All(cost => cost[b] <= cost[a]);
        for (int a = 0; a < allowed.Length; a++)
        {
            int layer = problem.LayerOf[a];
            for (int b = problem.Start[layer]; b < problem.Start[layer + 1] && allowed[a]; b++)
            {
                if (a != b && allowed[b] && IsPaid(b) && IsDearer(a, b) && WorstChange(problem, allowed, a, b) <= 0)
                {
                    allowed[a] = false;
                }
            }
        }
    }

    /// <summary>The most the objective can rise by when b replaces a.</summary>
    private static double WorstChange(AllocationProblem problem, bool[] allowed, int a, int b)
    {
        int n = problem.CandidateCount;
        var g = problem.Matrix;
        double worst = g[(b * n) + b] - g[(a * n) + a];
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            double most = double.NegativeInfinity;
            for (int c = problem.Start[layer]; c < problem.Start[layer + 1] && layer != problem.LayerOf[a]; c++)
            {
                most = allowed[c] ? Math.Max(most, g[(b * n) + c] - g[(a * n) + c]) : most;
            }
            worst += layer == problem.LayerOf[a] ? 0 : 2 * most;
        }
        return worst;
    }
}
