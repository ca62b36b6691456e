namespace Clado.Allocation.Solver;

/// <summary>
/// Splits a node by which kinds are used, so that each part pays exactly what its choices are charged. A choice belongs to the part of the
/// first kind it does not use, in a given order: there that kind is gone and those before it are paid. The last part pays for all.
/// </summary>
internal static class KindSplit
{
    /// <summary>
    /// The kinds that candidates are left of and whose charge is not paid, as bits; none where paying for them costs nothing.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <param name="allowed">Candidates left. Shape: [n].</param>
    /// <param name="paid">Kinds paid, as bits.</param>
    public static int Open(AllocationProblem problem, bool[] allowed, int paid)
    {
        if (problem.Charges is not { } charges)
        {
            return 0;
        }
        int left = charges.SetOf(Left(allowed, 0, allowed.Length)) & ~paid;
        return charges.Of(paid | left) > charges.Of(paid) ? left : 0;
    }

    /// <summary>Pays for the kinds that no choice can do without: those of a layer that has no other left.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="allowed">Candidates left. Shape: [n].</param>
    /// <param name="paid">Kinds paid, as bits; more afterwards.</param>
    /// <returns>False where a kind that is paid has no candidate left: then other parts hold all choices of this one.</returns>
    public static bool TryPay(AllocationProblem problem, bool[] allowed, ref int paid)
    {
        if (problem.Charges is not { } charges)
        {
            return true;
        }
        int left = 0;
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            int own = charges.SetOf(Left(allowed, problem.Start[layer], problem.Start[layer + 1]));
            left |= own;
            paid |= int.PopCount(own) == 1 ? own : 0;
        }
        return (paid & ~left) == 0;
    }

    /// <summary>The parts of a node.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="node">The node.</param>
    /// <param name="use">
    /// How much each candidate is used in a choice, a relaxed one maybe: the kinds used most are the first to be gone. Shape: [n].
    /// </param>
    /// <param name="with">Bounds on choices with each candidate, or null. Shape: [n][values].</param>
    public static IEnumerable<BranchNode> Parts(AllocationProblem problem, BranchNode node, double[] use, double[][]? with)
    {
        var charges = problem.Charges!;
        int open = Open(problem, node.Allowed, node.Paid), paid = node.Paid;
        double Used(int kind) => Left(node.Allowed, 0, use.Length).Where(a => charges.KindOf(a) == kind).Sum(a => use[a]);
        foreach (int kind in Enumerable.Range(0, charges.KindCount).Where(kind => (open >> kind & 1) == 1).OrderByDescending(Used))
        {
            bool[] fewer = [.. node.Allowed.Select((isLeft, a) => isLeft && charges.KindOf(a) != kind)];
            if (Enumerable.Range(0, problem.LayerCount).All(layer => problem.CandidatesOf(layer).Any(a => fewer[a])))
            {
                double[] bounds = with is null ? node.Bounds : Raised(problem, fewer, node.Bounds, with);
                yield return node with { Allowed = fewer, Paid = paid, Bounds = bounds, IsRoot = false };
            }
            paid |= 1 << kind;
        }
        yield return node with { Paid = paid };
    }

    /// <summary>
    /// A layer takes one of the candidates it has left: the least of their bounds holds, and so does the greatest such of all layers.
    /// </summary>
    private static double[] Raised(AllocationProblem problem, bool[] allowed, double[] bounds, double[][] with)
    {
        double[] raised = [.. bounds];
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            int[] left = Left(allowed, problem.Start[layer], problem.Start[layer + 1]);
            for (int j = 0; j < raised.Length; j++)
            {
                // A layer that is decided already has no bounds of its own.
                raised[j] = Math.Max(raised[j], left.Min(a => with[a] is { } own ? own[j] : bounds[j]));
            }
        }
        return raised;
    }

    private static int[] Left(bool[] allowed, int from, int to) => [.. Enumerable.Range(from, to - from).Where(a => allowed[a])];
}
