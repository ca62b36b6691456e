using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Packing;
using Clado.Sensitivity;

namespace Clado.Allocation;

/// <summary>A surrogate and a budget as numbers for the solver.</summary>
internal sealed class LimitedProblem
{
    private readonly Candidate[] items;
    private readonly List<long[]> costs = [];
    private readonly List<long> budgets = [];
    private readonly List<LimitKind> kinds = [];

    /// <summary>Writes down the problem.</summary>
    /// <param name="surrogate">What is minimised.</param>
    /// <param name="candidates">The rows of its matrix.</param>
    /// <param name="rows">Those that may be chosen. Shape: [rows].</param>
    /// <param name="fileSize">Sizes of the file.</param>
    /// <param name="budget">What the network may cost.</param>
    public LimitedProblem(Surrogate surrogate, CandidateSet candidates, int[] rows, FileSize fileSize, Budget budget)
    {
        items = [.. rows.Select(row => candidates.Items[row])];
        int[] widths = [.. candidates.Items.Select(c => c.Bits).Distinct().Order()];
        var charges = budget.FileBytes is { } bytes ? LimitBytes(bytes, fileSize, widths) : null;
        if (budget.BitsPerWeight is { } bits)
        {
            long most = (long)Math.Floor(bits * candidates.Layers.Sum(l => l.Parameters));
            Limit(LimitKind.BitsPerWeight, items.Select(c => c.CodeBits), most);
        }
        if (budget.Limits.BitOperations is { } operations)
        {
            Limit(LimitKind.BitOperations, items.Select(c => c.BitOperations(fileSize.ActivationBits)), operations);
        }
        if (surrogate.Radius is { } radius)
        {
            Limit(LimitKind.Radius, rows.Select(row => surrogate.OperatingPoint.Contains(row) ? 0L : 1), radius);
        }
        if (budget.Limits.Costs is { } table)
        {
            Limit(LimitKind.Cost, items.Select(c => table[c.Layer.Name, c.Bits]), budget.Limits.MaximumCost ?? 0);
        }
        int all = candidates.Items.Count;
        double[] matrix = [.. rows.SelectMany(a => rows.Select(b => surrogate.Matrix[(a * all) + b]))];
        Problem = new AllocationProblem(matrix, [.. rows.Select(row => candidates.LayerOf[row])], costs, budgets, charges);
    }

    /// <summary>The problem.</summary>
    public AllocationProblem Problem { get; }

    /// <summary>What each of its budgets is. Shape: [budgets].</summary>
    public IReadOnlyList<LimitKind> Kinds => kinds;

    /// <summary>
    /// Every width that is used costs its function in the file. Candidates whose rows have widths of their own are a kind together, which
    /// costs the functions of all widths that any of them has: at most as much too much as some functions of codes.
    /// </summary>
    private FixedCharges LimitBytes(long bytes, FileSize fileSize, int[] widths)
    {
        int[] rowWidths = [.. items.SelectMany(c => c.RowBits ?? []).Distinct().Order()];
        int[][] sets = [[], .. WidthSets.Of(widths)];
        long[] left = [
            .. sets.Select(set => fileSize.WeightBudget(bytes, set)),
            .. rowWidths.Length == 0 ? [] : sets.Select(set => fileSize.WeightBudget(bytes, set, rowWidths))];
        Limit(LimitKind.FileBytes, items.Select(c => c.SizeBytes), left[0]);
        return new FixedCharges(
            0, [.. items.Select(c => c.IsWhole ? Array.IndexOf(widths, c.Bits) : widths.Length)],
            [.. left.Select(weights => left[0] - weights)]);
    }

    private void Limit(LimitKind kind, IEnumerable<long> cost, long most)
    {
        costs.Add([.. cost]);
        budgets.Add(most);
        kinds.Add(kind);
    }
}
