namespace Clado.Allocation.Solver;

/// <summary>
/// Layers that must share a width. Each group becomes one layer. Its candidates are the members' candidates of the same position, with
/// their costs summed and their products summed too, which leaves the objective and the costs of every choice as they were.
/// </summary>
internal sealed class LayerGroups
{
    private readonly AllocationProblem problem;
    private readonly int[][] members;

    /// <summary>Merges the groups of a problem.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="groups">Layers of each group; layers in none stand alone. Shape: [groups][members].</param>
    /// <exception cref="ArgumentException">
    /// A layer does not exist or is in two groups, or the members of a group differ in their number of candidates or in their kinds.
    /// </exception>
    public LayerGroups(AllocationProblem problem, IReadOnlyList<int[]> groups)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(groups);
        this.problem = problem;
        int[] grouped = [.. groups.SelectMany(group => group)];
        if (grouped.Distinct().Count() != grouped.Length || grouped.Any(layer => layer < 0 || layer >= problem.LayerCount))
        {
            throw new ArgumentException($"groups must hold different layers of 0 to {problem.LayerCount - 1}", nameof(groups));
        }
        if (groups.FirstOrDefault(group => group.Select(Width).Distinct().Count() > 1) is { } uneven)
        {
            string layers = Text(uneven);
            throw new ArgumentException($"layers {layers} must share a width but have different numbers of candidates", nameof(groups));
        }
        int[][] alone = [.. Enumerable.Range(0, problem.LayerCount).Except(grouped).Select(layer => new[] { layer })];
        members = [.. groups.Where(group => group.Length > 0), .. alone];
        Merged = Merge();
    }

    /// <summary>The problem of one layer a group.</summary>
    public AllocationProblem Merged { get; }

    /// <summary>Solves the merged problem and gives every layer its group's width.</summary>
    /// <param name="allocator">The solver.</param>
    /// <param name="cancellation">Stops early with the best choice so far.</param>
    public AllocationSolution Solve(IAllocator allocator, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        var solution = allocator.Solve(Merged, cancellation);
        if (solution.Choice.Length == 0)
        {
            return solution;
        }
        var choice = new int[problem.LayerCount];
        for (int group = 0; group < members.Length; group++)
        {
            foreach (int layer in members[group])
            {
                choice[layer] = problem.Start[layer] + solution.Choice[group] - Merged.Start[group];
            }
        }
        double objective = problem.Objective(choice);
        return solution with { Choice = choice, Objective = objective, Bound = Math.Min(solution.Bound, objective) };
    }

    private AllocationProblem Merge()
    {
        // Each merged candidate is a list of candidates of the problem.
        int[][] candidates = [.. members.SelectMany(group => Enumerable.Range(0, Width(group[0])).Select(position =>
            group.Select(layer => problem.Start[layer] + position).ToArray()))];
        if (problem.Charges is { } charges && candidates.FirstOrDefault(c => c.Select(charges.KindOf).Distinct().Count() > 1) is { } mixed)
        {
            string layers = Text(mixed.Select(a => problem.LayerOf[a]));
            throw new ArgumentException($"layers {layers} must share a width but not the kinds of candidates");
        }
        int n = candidates.Length;
        var matrix = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b < n; b++)
            {
                matrix[(a * n) + b] = candidates[a].Sum(p => candidates[b].Where(q => p == q || problem.LayerOf[p] != problem.LayerOf[q])
                    .Sum(q => problem.Matrix[(p * problem.CandidateCount) + q]));
            }
        }
        return new AllocationProblem(
            matrix,
            [.. members.SelectMany((group, layer) => Enumerable.Repeat(layer, Width(group[0])))],
            [.. problem.Costs.Select(cost => candidates.Select(candidate => candidate.Sum(p => cost[p])).ToArray())],
            problem.Budgets,
            problem.Charges?.Of(candidates.Select(c => c[0])));
    }

    private static string Text(IEnumerable<int> layers) => string.Join(", ", layers);

    private int Width(int layer) => problem.Start[layer + 1] - problem.Start[layer];
}
