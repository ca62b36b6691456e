namespace Clado.Allocation.Solver;

/// <summary>
/// The integer quadratic program: choose one candidate a layer, minimise <c>xᵀ G x</c> under linear budgets (docs/method.md, "Allocation";
/// arXiv 2307.05657, eq. 11). Plain numbers: knows nothing of networks.
/// </summary>
public sealed record AllocationProblem
{
    /// <summary>Creates and checks a problem.</summary>
    /// <param name="matrix">G, symmetric; entries inside a layer other than the diagonal are ignored. Shape: [n, n], row-major. Range: finite.</param>
    /// <param name="layerOf">Layer of each candidate, ascending from 0 without gaps. Shape: [n].</param>
    /// <param name="costs">Cost of each candidate for each budget. Shape: [budgets][n]. Range: [0, 2^53].</param>
    /// <param name="budgets">The most the chosen candidates' costs may add up to. Shape: [budgets].</param>
    /// <exception cref="ArgumentException">A length, an order or a number does not fit.</exception>
    public AllocationProblem(double[] matrix, int[] layerOf, IReadOnlyList<long[]> costs, IReadOnlyList<long> budgets)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        ArgumentNullException.ThrowIfNull(layerOf);
        ArgumentNullException.ThrowIfNull(costs);
        ArgumentNullException.ThrowIfNull(budgets);
        int n = layerOf.Length;
        Check(n > 0 && matrix.Length == n * n, $"matrix has {matrix.Length} entries, {n} candidates want {n * n}");
        Check(matrix.All(double.IsFinite), "matrix holds NaN or infinity");
        Check(layerOf[0] == 0 && layerOf.Zip(layerOf.Skip(1), (a, b) => b - a).All(step => step is 0 or 1), "layers must ascend from 0 without gaps");
        Check(costs.Count == budgets.Count && costs.All(c => c.Length == n), "every budget wants one cost a candidate");
        Check(costs.SelectMany(c => c).All(c => c is >= 0 and <= 1L << 53), "costs must lie in 0 to 2^53");
        (Matrix, LayerOf, Costs, Budgets) = (matrix, layerOf, costs, budgets);
        LayerCount = layerOf[^1] + 1;
        Start = [.. Enumerable.Range(0, LayerCount).Select(layer => Array.IndexOf(layerOf, layer)), n];
    }

    /// <summary>G. Shape: [n, n], row-major.</summary>
    public double[] Matrix { get; }

    /// <summary>Layer of each candidate. Shape: [n].</summary>
    public int[] LayerOf { get; }

    /// <summary>Cost of each candidate for each budget. Shape: [budgets][n].</summary>
    public IReadOnlyList<long[]> Costs { get; }

    /// <summary>The budgets. Shape: [budgets].</summary>
    public IReadOnlyList<long> Budgets { get; }

    /// <summary>Number of candidates.</summary>
    public int CandidateCount => LayerOf.Length;

    /// <summary>Number of layers.</summary>
    public int LayerCount { get; }

    /// <summary>First candidate of each layer, and the number of candidates at the end. Shape: [layers + 1].</summary>
    public int[] Start { get; }

    /// <summary>The objective of a choice: <c>xᵀ G x</c>.</summary>
    /// <param name="choice">Chosen candidate of each layer. Shape: [layers].</param>
    public double Objective(ReadOnlySpan<int> choice)
    {
        double sum = 0;
        for (int i = 0; i < choice.Length; i++)
        {
            sum += Matrix[(choice[i] * CandidateCount) + choice[i]];
            for (int j = 0; j < i; j++)
            {
                sum += 2 * Matrix[(choice[i] * CandidateCount) + choice[j]];
            }
        }
        return sum;
    }

    /// <summary>What a choice costs for each budget.</summary>
    /// <param name="choice">Chosen candidate of each layer. Shape: [layers].</param>
    /// <returns>Shape: [budgets].</returns>
    public long[] CostsOf(ReadOnlySpan<int> choice)
    {
        var totals = new long[Costs.Count];
        foreach (int candidate in choice)
        {
            for (int k = 0; k < totals.Length; k++)
            {
                totals[k] += Costs[k][candidate];
            }
        }
        return totals;
    }

    /// <summary>Whether a choice keeps every budget.</summary>
    /// <param name="choice">Chosen candidate of each layer. Shape: [layers].</param>
    public bool IsFeasible(ReadOnlySpan<int> choice) => CostsOf(choice).Zip(Budgets, (cost, budget) => cost <= budget).All(kept => kept);

    /// <summary>The least each budget could be met with, by itself.</summary>
    /// <returns>Shape: [budgets].</returns>
    public long[] SmallestCosts() =>
        [.. Costs.Select(cost => Enumerable.Range(0, LayerCount).Sum(layer => cost[Start[layer]..Start[layer + 1]].Min()))];

    /// <summary>The same problem with another value of one budget; shares the matrix.</summary>
    /// <param name="budget">Index of the budget.</param>
    /// <param name="value">Its value.</param>
    internal AllocationProblem With(int budget, long value) => new(this, [.. Budgets.Select((b, k) => k == budget ? value : b)]);

    private AllocationProblem(AllocationProblem other, long[] budgets) =>
        (Matrix, LayerOf, Costs, Budgets, LayerCount, Start) = (other.Matrix, other.LayerOf, other.Costs, budgets, other.LayerCount, other.Start);

    private static void Check(bool holds, string problem)
    {
        if (!holds)
        {
            throw new ArgumentException(problem);
        }
    }
}
