using Clado.Numerics;

namespace Clado.Allocation.Solver;

/// <summary>Where a search begins.</summary>
internal static class SearchRoots
{
    /// <summary>The whole search; with charges, its parts by the kinds that are used.</summary>
    /// <param name="range">The problem and the values of a budget.</param>
    /// <param name="use">How many good choices hold each candidate. Shape: [n].</param>
    /// <returns>Null where no value has a choice. Shape: [roots].</returns>
    public static IEnumerable<BranchNode>? Of(BudgetRange range, double[] use)
    {
        var allowed = new bool[range.Problem.CandidateCount];
        Array.Fill(allowed, true);
        var widest = range.At(range.Count - 1);
        if (!CandidateReduction.ByBudget(widest.Paying(0), allowed))
        {
            return null;
        }
        // Known products decide indefinite matrices. Semidefinite ones are proven sooner without: a fifth of the gap for ten times the
        // time.
        IReadOnlyList<(int A, int B)>? pairs = Cholesky.IsSemidefinite(widest.Matrix, widest.CandidateCount) ? null : [];
        double[] bounds = [.. Enumerable.Range(0, range.Count).Select(j => SeparableBound.Compute(range.At(j)))];
        var root = new BranchNode(allowed, pairs, bounds, IsRoot: true);
        return (widest.Charges is null ? [root] : KindSplit.Parts(widest, root, use, null)).Select(part =>
        {
            CandidateReduction.ByDominance(widest, part.Allowed, part.Paid);
            return part;
        });
    }
}
