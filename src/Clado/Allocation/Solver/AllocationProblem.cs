namespace Clado.Allocation.Solver;

/// <summary>
/// The integer quadratic program: choose one candidate a layer, minimise <c>xᵀ G x</c> under linear budgets (docs/method.md, "Allocation";
/// arXiv 2307.05657, eq. 11). Plain numbers: knows nothing of networks.
/// </summary>
internal sealed record AllocationProblem
{
    /// <summary>The most that costs may add up to: sums are exact as integers and as floating-point numbers.</summary>
    public const long MostCost = 1L << 53;

    /// <summary>Creates and checks a problem.</summary>
    /// <param name="matrix">
    /// G, symmetric; entries inside a layer other than the diagonal are ignored. Shape: [n, n], row-major. Range: finite.
    /// </param>
    /// <param name="layerOf">Layer of each candidate, ascending from 0 without gaps. Shape: [n].</param>
    /// <param name="costs">
    /// Cost of each candidate for each budget; a choice's add up to at most 2^53. Shape: [budgets][n]. Range: [0, 2^53].
    /// </param>
    /// <param name="budgets">The most the chosen candidates' costs, and charges, may add up to. Shape: [budgets].</param>
    /// <param name="charges">What a budget pays once for the kinds of candidates that are used, or null.</param>
    /// <exception cref="ArgumentException">A length, an order or a number does not fit.</exception>
    public AllocationProblem(
        double[] matrix, int[] layerOf, IReadOnlyList<long[]> costs, IReadOnlyList<long> budgets, FixedCharges? charges = null)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        ArgumentNullException.ThrowIfNull(layerOf);
        ArgumentNullException.ThrowIfNull(costs);
        ArgumentNullException.ThrowIfNull(budgets);
        int n = layerOf.Length;
        Check(n > 0 && matrix.Length == n * n, $"matrix has {matrix.Length} entries, {n} candidates want {n * n}");
        Check(matrix.All(double.IsFinite), "matrix holds NaN or infinity");
        bool ascends = layerOf[0] == 0 && layerOf.Zip(layerOf.Skip(1), (a, b) => b - a).All(step => step is 0 or 1);
        Check(ascends, "layers must ascend from 0 without gaps");
        Check(costs.Count == budgets.Count && costs.All(c => c.Length == n), "every budget wants one cost a candidate");
        double Most(long[] cost) => cost.Zip(layerOf).GroupBy(c => c.Second, c => (double)c.First).Sum(layer => layer.Max());
        bool isExact = costs.All(cost => cost.All(c => c >= 0) && Most(cost) <= MostCost);
        Check(isExact, "costs must be at least 0, and a choice's add up to at most 2^53");
        bool isPaid = charges is null || (charges.Budget < budgets.Count && charges.CandidateCount == n);
        Check(isPaid, "charges want a budget that pays them and a kind a candidate");
        (Matrix, LayerOf, Costs, Budgets, Charges) = (matrix, layerOf, costs, budgets, charges);
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

    /// <summary>What a budget pays once for the kinds of candidates that are used, or null.</summary>
    public FixedCharges? Charges { get; }

    /// <summary>Number of candidates.</summary>
    public int CandidateCount => LayerOf.Length;

    /// <summary>Number of layers.</summary>
    public int LayerCount { get; }

    /// <summary>First candidate of each layer, and the number of candidates at the end. Shape: [layers + 1].</summary>
    public int[] Start { get; }

    /// <summary>The candidates of a layer, ascending.</summary>
    /// <param name="layer">The layer.</param>
    public IEnumerable<int> CandidatesOf(int layer) => Enumerable.Range(Start[layer], Start[layer + 1] - Start[layer]);

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

    /// <summary>What a choice costs for each budget, charges included.</summary>
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
        if (Charges is { } charges)
        {
            totals[charges.Budget] += charges.Of(charges.SetOf(choice));
        }
        return totals;
    }

    /// <summary>Whether a choice keeps every budget.</summary>
    /// <param name="choice">Chosen candidate of each layer. Shape: [layers].</param>
    public bool IsFeasible(ReadOnlySpan<int> choice) => CostsOf(choice).Zip(Budgets, (cost, budget) => cost <= budget).All(kept => kept);

    /// <summary>The same problem with another value of one budget; shares the matrix.</summary>
    /// <param name="budget">Index of the budget.</param>
    /// <param name="value">Its value.</param>
    public AllocationProblem With(int budget, long value) => new(this, [.. Budgets.Select((b, k) => k == budget ? value : b)], Charges);

    /// <summary>
    /// The same problem with the charge of some kinds paid, and no charges left: what of it uses no other kinds is a choice of this one.
    /// Shares the matrix.
    /// </summary>
    /// <param name="paid">The kinds, as bits.</param>
    public AllocationProblem Paying(int paid) =>
        Charges is null ? this : new(this, [.. Budgets.Select((b, k) => k == Charges.Budget ? b - Charges.Of(paid) : b)], null);

    /// <summary>The problem with candidates of some kinds only, their charge paid, and no charges left.</summary>
    /// <param name="kinds">The kinds, as bits.</param>
    /// <returns>The problem, and this one's candidate of each of its own; null where a layer has none left.</returns>
    public (AllocationProblem Problem, int[] Rows)? Only(int kinds)
    {
        int n = CandidateCount;
        if (Charges is null)
        {
            return (this, [.. Enumerable.Range(0, n)]);
        }
        int[] rows = [.. Enumerable.Range(0, n).Where(a => (kinds >> Charges.KindOf(a) & 1) == 1)];
        return rows.Select(a => LayerOf[a]).Distinct().Count() < LayerCount ? null : (new AllocationProblem(
            [.. rows.SelectMany(a => rows.Select(b => Matrix[(a * n) + b]))],
            [.. rows.Select(a => LayerOf[a])],
            [.. Costs.Select(cost => rows.Select(a => cost[a]).ToArray())],
            Paying(kinds).Budgets), rows);
    }

    /// <summary>
    /// The sets of kinds a choice may use, as bits: those that leave every layer a candidate. One, where there are no charges.
    /// </summary>
    public IEnumerable<int> KindSets() =>
        Charges is null ? [0] : Enumerable.Range(1, (1 << Charges.KindCount) - 1).Where(set => Enumerable.Range(0, LayerCount).All(layer =>
            CandidatesOf(layer).Any(a => (set >> Charges.KindOf(a) & 1) == 1)));

    private AllocationProblem(AllocationProblem other, long[] budgets, FixedCharges? charges)
    {
        (Matrix, LayerOf, LayerCount, Start) = (other.Matrix, other.LayerOf, other.LayerCount, other.Start);
        (Costs, Budgets, Charges) = (other.Costs, budgets, charges);
    }

    private static void Check(bool holds, string problem)
    {
        if (!holds)
        {
            throw new ArgumentException(problem);
        }
    }
}
