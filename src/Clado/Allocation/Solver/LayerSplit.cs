namespace Clado.Allocation.Solver;

/// <summary>Splits a node by the candidates of one layer.</summary>
internal static class LayerSplit
{
    /// <summary>One child for each candidate of the layer whose choice decides most.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="node">The node.</param>
    /// <param name="share">Share of each candidate in the relaxed choice. Shape: [n].</param>
    /// <param name="with">Bounds on choices with each candidate. Shape: [n][values].</param>
    /// <param name="at">Index of the value that bounds are compared at.</param>
    /// <returns>The node itself where no layer has two candidates left. Shape: [children].</returns>
    public static IReadOnlyList<BranchNode> Children(AllocationProblem problem, BranchNode node, double[] share, double[][] with, int at)
    {
        var (split, best) = (Array.Empty<int>(), double.NegativeInfinity);
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            int[] left = [.. problem.CandidatesOf(layer).Where(a => node.Allowed[a])];
            if (left.Length > 1 && Score(left, share, with, at, node.Bounds[at]) is var score && score > best)
            {
                (split, best) = (left, score);
            }
        }
        return split.Length == 0
            ? [node]
            : [.. split.Select(a => node with { Allowed = Only(problem, node.Allowed, a), Bounds = with[a] })];
    }

    /// <summary>The candidates left with one of them chosen.</summary>
    private static bool[] Only(AllocationProblem problem, bool[] allowed, int chosen)
    {
        bool[] fewer = [.. allowed];
        foreach (int sibling in problem.CandidatesOf(problem.LayerOf[chosen]))
        {
            fewer[sibling] = sibling == chosen;
        }
        return fewer;
    }

    /// <summary>What a relaxed choice would be raised by if it had to decide, weighted by how far it is from deciding.</summary>
    private static double Score(int[] left, double[] share, double[][] with, int at, double bound)
    {
        double raised = left.Sum(a => share[a] * share[a] * (with[a][at] - bound));
        return (1 - left.Max(a => share[a])) * Math.Sqrt(raised);
    }
}
