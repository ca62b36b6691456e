namespace Clado.Allocation.Solver;

/// <summary>A node's relaxation, solved, read in the candidates of the whole problem.</summary>
internal sealed class RelaxedNode
{
    // Products above −1e-4 are noise of an unfinished relaxation.
    private const double LeastViolation = 1e-4;

    // Multipliers below this share of the bound count for nothing.
    private const double LeastWeight = 1e-5;

    // Products learned at most a round for each coordinate: what is broken most comes first, and the next round sees the rest.
    private const int PairsPerRound = 4;

    private readonly LiftedProblem lifted;
    private readonly SemidefiniteRelaxation relaxation;

    /// <summary>Reads a relaxation.</summary>
    /// <param name="lifted">The problem that was relaxed.</param>
    /// <param name="relaxation">Its relaxation, solved.</param>
    public RelaxedNode(LiftedProblem lifted, SemidefiniteRelaxation relaxation)
    {
        (this.lifted, this.relaxation) = (lifted, relaxation);
        Shares = new double[lifted.WholeCount];
        foreach (int chosen in lifted.Base)
        {
            Shares[chosen] = 1;
        }
        for (int c = 0; c < Candidates.Length; c++)
        {
            Shares[Candidates[c]] = relaxation.Choice.Share(c);
        }
    }

    /// <summary>Candidates of the layers with more than one. Shape: [free candidates].</summary>
    public int[] Candidates => lifted.Candidates;

    /// <summary>Number of coordinates and the homogenising 1.</summary>
    public int Order => lifted.Order;

    /// <summary>No choice of the node has an objective below this.</summary>
    public double Bound => relaxation.Bound;

    /// <summary>Share of each candidate in the relaxed choice. Shape: [n]. Range: about [0, 1].</summary>
    public double[] Shares { get; }

    /// <summary>No choice with this candidate has an objective below this. Shape: [values].</summary>
    /// <param name="c">Index into the candidates.</param>
    public double[] BoundsWith(int c) => relaxation.BoundsWith(c);

    /// <summary>About the least the relaxation can be brought to with this candidate.</summary>
    /// <param name="c">Index into the candidates.</param>
    public double ObjectiveWith(int c) => relaxation.ObjectiveWith(c);

    /// <summary>Pairs of candidates whose known product matters to the bound. Shape: [pairs].</summary>
    public (int A, int B)[] Mattering() =>
    [
        .. from product in Enumerable.Range(lifted.PairStart, lifted.Products.Length - lifted.PairStart)
           where relaxation.Weight(product) > LeastWeight * Math.Abs(Bound)
           select (Candidates[lifted.Products[product].A], Candidates[lifted.Products[product].B]),
    ];

    /// <summary>The pairs of candidates whose product the relaxation takes most below 0. Shape: [pairs].</summary>
    /// <param name="allowed">Candidates left. Shape: [n].</param>
    public IReadOnlyList<(int A, int B)> Broken(bool[] allowed)
    {
        var broken = new List<(double Share, int A, int B)>();
        for (int a = 0; a < Candidates.Length; a++)
        {
            for (int b = a + 1; b < Candidates.Length; b++)
            {
                double share = relaxation.Choice.Share(a, b);
                if (share < -LeastViolation && allowed[Candidates[a]] && allowed[Candidates[b]])
                {
                    broken.Add((share, Candidates[a], Candidates[b]));
                }
            }
        }
        return [.. broken.Order().Take(PairsPerRound * Order).Select(pair => (pair.A, pair.B))];
    }
}
