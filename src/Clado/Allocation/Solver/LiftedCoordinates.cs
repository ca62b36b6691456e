using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>An affine function of the coordinates, sparse: at each position a value, at the last one the constant.</summary>
/// <param name="At">Positions, ascending. Shape: [entries].</param>
/// <param name="Value">Values. Shape: [entries].</param>
internal readonly record struct Atom(int[] At, double[] Value);

/// <summary>
/// Coordinates of a problem with some candidates left out, in which "one candidate a layer" holds by construction. Every free layer keeps
/// all candidates but its last one, the base, as coordinates y; the homogenising 1 comes last. Layers with one candidate left disappear
/// into the constant.
/// </summary>
internal sealed class LiftedCoordinates
{
    private readonly AllocationProblem problem;

    // Candidates that are coordinates. Shape: [order − 1].
    private readonly int[] coordinates;

    /// <summary>Chooses the coordinates.</summary>
    /// <param name="problem">The whole problem.</param>
    /// <param name="allowed">Which candidates are left; at least one a layer. Shape: [n].</param>
    public LiftedCoordinates(AllocationProblem problem, bool[] allowed)
    {
        this.problem = problem;
        Base = new int[problem.LayerCount];
        var count = new int[problem.LayerCount];
        int[] left = [.. Enumerable.Range(0, problem.CandidateCount).Where(a => allowed[a])];
        foreach (int a in left)
        {
            Base[problem.LayerOf[a]] = a;
            count[problem.LayerOf[a]]++;
        }
        Candidates = [.. left.Where(a => count[problem.LayerOf[a]] > 1)];
        coordinates = [.. Candidates.Where(a => Base[problem.LayerOf[a]] != a)];
    }

    /// <summary>Candidates of the free layers. Shape: [free candidates].</summary>
    public int[] Candidates { get; }

    /// <summary>Candidate that stands for each layer where all of its coordinates are 0. Shape: [layers].</summary>
    public int[] Base { get; }

    /// <summary>Number of coordinates and the homogenising 1.</summary>
    public int Order => coordinates.Length + 1;

    /// <summary>Every two candidates of one layer, as indices into the candidates.</summary>
    public IEnumerable<(int A, int B)> LayerPairs() =>
        from a in Enumerable.Range(0, Candidates.Length)
        from b in Enumerable.Range(a + 1, Candidates.Length - a - 1)
            .TakeWhile(b => problem.LayerOf[Candidates[b]] == problem.LayerOf[Candidates[a]])
        select (a, b);

    /// <summary>The objective as <c>[y 1] C [y 1]ᵀ</c>.</summary>
    /// <returns>C, upper triangle. Shape: [order, order].</returns>
    public double[] Objective()
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
            int v = coordinates[p], baseV = Base[problem.LayerOf[v]];
            for (int q = p + 1; q < last; q++)
            {
                int w = coordinates[q], baseW = Base[problem.LayerOf[w]];
                c[(p * Order) + q] = baseV == baseW ? 0
                    : g[(v * n) + w] - g[(v * n) + baseW] - g[(baseV * n) + w] + g[(baseV * n) + baseW];
            }
            // The field holds the layer's own base, which is not there beside v.
            double own = (g[(v * n) + v] - g[(baseV * n) + baseV]) / 2;
            c[(p * Order) + last] = own + (field[v] - g[(v * n) + baseV]) - (field[baseV] - g[(baseV * n) + baseV]);
        }
        c[^1] = problem.Objective(Base);
        return c;
    }

    /// <summary>A candidate: a coordinate, or for a base 1 less the coordinates of its layer.</summary>
    /// <param name="candidate">The candidate.</param>
    public Atom CandidateAtom(int candidate)
    {
        int layer = problem.LayerOf[candidate];
        if (Base[layer] != candidate)
        {
            return new([Array.BinarySearch(coordinates, candidate)], [1.0]);
        }
        int[] siblings = [.. Enumerable.Range(0, coordinates.Length).Where(p => problem.LayerOf[coordinates[p]] == layer)];
        return new([.. siblings, Order - 1], [.. siblings.Select(_ => -1.0), 1.0]);
    }

    /// <summary>What is left of a budget, scaled so that its largest value is 1 at most.</summary>
    /// <param name="budget">Index of the budget.</param>
    /// <returns>The atom, and what a unit of it is in units of the cost.</returns>
    public (Atom Atom, double Scale) SlackAtom(int budget)
    {
        var cost = problem.Costs[budget];
        double[] values =
        [
            .. coordinates.Select(v => (double)(cost[Base[problem.LayerOf[v]]] - cost[v])),
            problem.Budgets[budget] - Base.Sum(a => cost[a]),
        ];
        double scale = Math.Max(1, values.Max(Math.Abs));
        return (new([.. Enumerable.Range(0, Order)], [.. values.Select(v => v / scale)]), scale);
    }
}
