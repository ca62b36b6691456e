using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>
/// A problem with some candidates left out, in <see cref="LiftedCoordinates"/>: its objective, and what is known of products of candidates
/// and of budget slacks. Both are affine in the coordinates; here they are called <em>atoms</em>.
/// </summary>
internal sealed class LiftedProblem
{
    // What the cube of the number of products adds to the work, beside the cube of the order: of a step, a factor of a matrix of that
    // order is all that grows with it, beside a dozen products and factors of matrices of the other.
    private const double ProductShare = 0.1;

    /// <summary>Writes down the restricted problem.</summary>
    /// <param name="problem">The whole problem.</param>
    /// <param name="allowed">Which candidates are left; at least one a layer. Shape: [n].</param>
    /// <param name="pairs">
    /// Candidates of different layers whose product is to be known as at least 0; those not of free layers are left out. Shape: [pairs].
    /// </param>
    public LiftedProblem(AllocationProblem problem, bool[] allowed, IReadOnlyList<(int A, int B)> pairs)
    {
        var coordinates = new LiftedCoordinates(problem, allowed);
        (Candidates, Base, Order, WholeCount) = (coordinates.Candidates, coordinates.Base, coordinates.Order, problem.CandidateCount);
        Matrix = coordinates.Objective();
        (Atom Atom, double Scale)[] slacks = [.. Enumerable.Range(0, problem.Costs.Count).Select(coordinates.SlackAtom)];
        SlackScale = [.. slacks.Select(slack => slack.Scale)];
        Atoms = [.. Candidates.Select(coordinates.CandidateAtom), new([Order - 1], [1.0]), .. slacks.Select(slack => slack.Atom)];
        (int A, int B)[] free = [(One, One), .. coordinates.LayerPairs()];
        FreeCount = free.Length;
        PairStart = FreeCount + slacks.Length;
        var kept = Enumerable.Range(One + 1, slacks.Length).Select(slack => (slack, One));
        Products = [.. free, .. kept, .. pairs.Select(Indices).Where(AreFree)];

        (int A, int B) Indices((int A, int B) pair) => (Array.BinarySearch(Candidates, pair.A), Array.BinarySearch(Candidates, pair.B));
        static bool AreFree((int A, int B) pair) => pair is { A: >= 0, B: >= 0 };
    }

    /// <summary>Number of candidates of the whole problem.</summary>
    public int WholeCount { get; }

    /// <summary>Candidates of the free layers. Shape: [free candidates].</summary>
    public int[] Candidates { get; }

    /// <summary>Candidate that stands for each layer where all of its coordinates are 0. Shape: [layers].</summary>
    public int[] Base { get; }

    /// <summary>Number of coordinates and the homogenising 1.</summary>
    public int Order { get; }

    /// <summary>What a relaxation costs, in units of the same step: the cubes of the order and of the number of known products.</summary>
    public double Work =>
        ((double)Order * Order * Order) + (ProductShare * ((double)Products.Length * Products.Length * Products.Length));

    /// <summary>The objective <c>[y 1] C [y 1]ᵀ</c>: C, upper triangle. Shape: [order, order].</summary>
    public double[] Matrix { get; }

    /// <summary>The free candidates, the constant 1, the slack of each budget (scaled). Shape: [atoms].</summary>
    public Atom[] Atoms { get; }

    /// <summary>What a unit of each slack is in units of its cost. Shape: [budgets].</summary>
    public double[] SlackScale { get; }

    /// <summary>Index of the atom that is the constant 1; the slacks follow it.</summary>
    public int One => Candidates.Length;

    /// <summary>
    /// Products of two atoms whose value is known. The constant with itself is 1 and two candidates of one layer make 0: these are free,
    /// their multipliers have any sign. A slack with the constant is at least 0, and so are two candidates of different layers.
    /// Shape: [products].
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
        // The base is the layer's last candidate, and its atom holds them all.
        int last = candidate;
        while (Atoms[last].At.Length == 1)
        {
            last++;
        }
        return Atoms[last].At[..^1];
    }
}
