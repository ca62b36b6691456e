using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>
/// A problem with some candidates left out, written in the coordinates where "one candidate a layer" holds by construction: every free layer
/// keeps all candidates but one (its base, the last) as coordinates y, the homogenising 1 comes last, and the objective is
/// <c>[y 1] C [y 1]ᵀ</c>. Candidates and budget slacks are affine in y; here they are called <em>atoms</em>. Layers with one candidate left
/// disappear into the constant.
/// </summary>
internal sealed class LiftedProblem
{
    /// <summary>Writes down the restricted problem.</summary>
    /// <param name="problem">The whole problem.</param>
    /// <param name="allowed">Which candidates are left; at least one a layer. Shape: [n].</param>
    /// <param name="pairs">Candidates of different layers whose product is to be known as at least 0; those not of free layers are left out. Shape: [pairs].</param>
    public LiftedProblem(AllocationProblem problem, bool[] allowed, IReadOnlyList<(int A, int B)> pairs)
    {
        int n = problem.CandidateCount;
        Candidates = [.. Enumerable.Range(0, n).Where(a => allowed[a])];
        Base = new int[problem.LayerCount];
        foreach (int a in Candidates)
        {
            Base[problem.LayerOf[a]] = a;
        }
        var count = new int[problem.LayerCount];
        foreach (int a in Candidates)
        {
            count[problem.LayerOf[a]]++;
        }
        Candidates = [.. Candidates.Where(a => count[problem.LayerOf[a]] > 1)];
        Coordinates = [.. Candidates.Where(a => Base[problem.LayerOf[a]] != a)];
        Order = Coordinates.Length + 1;
        Matrix = LiftMatrix(problem);
        Products = [(One, One), .. InLayerPairs(problem), .. Enumerable.Range(One + 1, problem.Costs.Count).Select(slack => (slack, One))];
        FreeCount = Products.Length - problem.Costs.Count;
        PairStart = Products.Length;
        Products = [.. Products, .. pairs.Select(pair => (Array.BinarySearch(Candidates, pair.A), Array.BinarySearch(Candidates, pair.B))).Where(pair => pair.Item1 >= 0 && pair.Item2 >= 0)];
        SlackScale = new double[problem.Costs.Count];
        Atoms = [.. Candidates.Select(a => CandidateAtom(problem, a)), ([Order - 1], [1.0]), .. problem.Costs.Select((cost, k) => SlackAtom(problem, cost, k))];
    }

    /// <summary>Candidates of the free layers. Shape: [free candidates].</summary>
    public int[] Candidates { get; }

    /// <summary>Candidate that stands for each layer where all of its coordinates are 0. Shape: [layers].</summary>
    public int[] Base { get; }

    /// <summary>Candidates that are coordinates. Shape: [order − 1].</summary>
    public int[] Coordinates { get; }

    /// <summary>Number of coordinates and the homogenising 1.</summary>
    public int Order { get; }

    /// <summary>What a relaxation costs, in units of the same step: the cubes of the order and of the number of known products.</summary>
    public double Work => ((double)Order * Order * Order) + (0.1 * ((double)Products.Length * Products.Length * Products.Length));

    /// <summary>C, upper triangle. Shape: [order, order].</summary>
    public double[] Matrix { get; }

    /// <summary>Vectors over the coordinates: the free candidates, the constant 1, the slack of each budget (scaled). Sparse: positions and values. Shape: [atoms].</summary>
    public (int[] At, double[] Value)[] Atoms { get; }

    /// <summary>What a unit of each slack is in units of its cost. Shape: [budgets].</summary>
    public double[] SlackScale { get; }

    /// <summary>Index of the atom that is the constant 1; the slacks follow it.</summary>
    public int One => Candidates.Length;

    /// <summary>
    /// Products of two atoms whose value is known: the constant with itself is 1, two candidates of one layer make 0 (these are free: their
    /// multipliers have any sign), a slack with the constant is at least 0, and so are two candidates of different layers. Shape: [products].
    /// </summary>
    public (int A, int B)[] Products { get; }

    /// <summary>How many products, the first ones, are free.</summary>
    public int FreeCount { get; }

    /// <summary>Index of the first product of two candidates of different layers.</summary>
    public int PairStart { get; }

    /// <summary>Adds <c>scale · (a bᵀ + b aᵀ) / 2</c> of a product's atoms to the upper triangle.</summary>
    /// <param name="product">Index of the product.</param>
    /// <param name="scale">Factor.</param>
    /// <param name="target">Shape: [order, order].</param>
    public void AddProduct(int product, double scale, double[] target)
    {
        var (atA, valueA) = Atoms[Products[product].A];
        var (atB, valueB) = Atoms[Products[product].B];
        for (int i = 0; i < atA.Length; i++)
        {
            for (int j = 0; j < atB.Length; j++)
            {
                int p = Math.Min(atA[i], atB[j]), q = Math.Max(atA[i], atB[j]);
                target[(p * Order) + q] += (p == q ? 1 : 0.5) * scale * valueA[i] * valueB[j];
            }
        }
    }

    /// <summary>The inner product of a symmetric matrix and a product's atoms: <c>aᵀ M b</c>.</summary>
    /// <param name="product">Index of the product.</param>
    /// <param name="matrix">Shape: [order, order].</param>
    public double Inner(int product, double[] matrix)
    {
        var (atA, valueA) = Atoms[Products[product].A];
        var (atB, valueB) = Atoms[Products[product].B];
        double sum = 0;
        for (int i = 0; i < atA.Length; i++)
        {
            for (int j = 0; j < atB.Length; j++)
            {
                sum += valueA[i] * valueB[j] * matrix[(atA[i] * Order) + atB[j]];
            }
        }
        return sum;
    }

    /// <summary><c>aᵀ M b</c> of every two atoms.</summary>
    /// <param name="matrix">Symmetric. Shape: [order, order].</param>
    /// <param name="half">Overwritten. Shape: [atoms, order].</param>
    /// <param name="gram">Shape: [atoms, atoms].</param>
    public void Gram(double[] matrix, double[] half, double[] gram)
    {
        int atoms = Atoms.Length;
        for (int a = 0; a < atoms; a++)
        {
            var (at, value) = Atoms[a];
            var row = half.AsSpan(a * Order, Order);
            row.Clear();
            for (int i = 0; i < at.Length; i++)
            {
                TensorPrimitives.MultiplyAdd(matrix.AsSpan(at[i] * Order, Order), value[i], row, row);
            }
            for (int b = 0; b <= a; b++)
            {
                (at, value) = Atoms[b];
                double sum = 0;
                for (int i = 0; i < at.Length; i++)
                {
                    sum += row[at[i]] * value[i];
                }
                gram[(a * atoms) + b] = gram[(b * atoms) + a] = sum;
            }
        }
    }

    /// <summary>The coordinates of a candidate's layer.</summary>
    /// <param name="candidate">Index into the candidates.</param>
    public int[] LayerCoordinates(int candidate)
    {
        int c = candidate;
        while (Atoms[c].At.Length == 1)
        {
            c++;
        }
        return Atoms[c].At[..^1];
    }

    private IEnumerable<(int, int)> InLayerPairs(AllocationProblem problem) =>
        from a in Enumerable.Range(0, Candidates.Length)
        from b in Enumerable.Range(a + 1, problem.Start[problem.LayerOf[Candidates[a]] + 1])
            .TakeWhile(b => b < Candidates.Length && problem.LayerOf[Candidates[b]] == problem.LayerOf[Candidates[a]])
        select (a, b);

    private double[] LiftMatrix(AllocationProblem problem)
    {
        int n = problem.CandidateCount, last = Order - 1;
        var g = problem.Matrix;
        var field = new double[n];
        foreach (int chosen in Base)
        {
            TensorPrimitives.Add<double>(field, g.AsSpan(chosen * n, n), field);
        }
        var c = new double[Order * Order];
        for (int p = 0; p < last; p++)
        {
            int v = Coordinates[p], baseV = Base[problem.LayerOf[v]];
            for (int q = p + 1; q < last; q++)
            {
                int w = Coordinates[q], baseW = Base[problem.LayerOf[w]];
                c[(p * Order) + q] = baseV == baseW ? 0 : g[(v * n) + w] - g[(v * n) + baseW] - g[(baseV * n) + w] + g[(baseV * n) + baseW];
            }
            // The field holds the layer's own base, which is not there beside v.
            double own = (g[(v * n) + v] - g[(baseV * n) + baseV]) / 2;
            c[(p * Order) + last] = own + (field[v] - g[(v * n) + baseV]) - (field[baseV] - g[(baseV * n) + baseV]);
        }
        c[^1] = problem.Objective(Base);
        return c;
    }

    private (int[] At, double[] Value) CandidateAtom(AllocationProblem problem, int a)
    {
        int layer = problem.LayerOf[a];
        if (Base[layer] != a)
        {
            return ([Array.BinarySearch(Coordinates, a)], [1.0]);
        }
        int[] siblings = [.. Enumerable.Range(0, Coordinates.Length).Where(p => problem.LayerOf[Coordinates[p]] == layer)];
        return ([.. siblings, Order - 1], [.. siblings.Select(_ => -1.0), 1.0]);
    }

    private (int[] At, double[] Value) SlackAtom(AllocationProblem problem, long[] cost, int k)
    {
        double[] values = [.. Coordinates.Select(v => (double)(cost[Base[problem.LayerOf[v]]] - cost[v])), problem.Budgets[k] - Base.Sum(a => cost[a])];
        SlackScale[k] = Math.Max(1, values.Max(Math.Abs));
        return ([.. Enumerable.Range(0, Order)], [.. values.Select(v => v / SlackScale[k])]);
    }
}
