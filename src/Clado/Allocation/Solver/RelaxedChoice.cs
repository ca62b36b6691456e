namespace Clado.Allocation.Solver;

/// <summary>What the solution of a relaxation says of single candidates. Candidates are indices into the lifted problem's.</summary>
/// <param name="lifted">The problem.</param>
/// <param name="point">The solution.</param>
/// <param name="grams">Its matrices between atoms.</param>
internal sealed class RelaxedChoice(LiftedProblem lifted, PrimalDualPoint point, AtomGrams grams)
{
    // A remainder that is a smaller share of what it is left of is mostly cancellation, and says nothing.
    private const double LeastRemainder = 1e-6;

    /// <summary>Share of a candidate in the relaxed choice. Range: about [0, 1].</summary>
    /// <param name="candidate">The candidate.</param>
    public double Share(int candidate) => Share(lifted.One, candidate) / Share(lifted.One, lifted.One);

    /// <summary>Share of two candidates together; below 0 only for products that are not known. Range: about [−1, 1].</summary>
    /// <param name="first">A candidate.</param>
    /// <param name="second">Another.</param>
    public double Share(int first, int second) => grams.Primal[(first * grams.Count) + second];

    /// <summary>
    /// No choice with this candidate has an objective below this: what <c>[y 1] Z [y 1]ᵀ</c>, which the bound takes for 0, is at least
    /// where the candidate's atom and the constant are 1.
    /// </summary>
    /// <param name="candidate">The candidate.</param>
    /// <returns>−infinity where nothing can be said.</returns>
    public double LeastWith(int candidate)
    {
        double ones = Inverse(lifted.One, lifted.One), cross = Inverse(lifted.One, candidate), own = Inverse(candidate, candidate);
        double remainder = own - (cross * cross / ones), missing = 1 - (cross / ones);
        return remainder > LeastRemainder * own
            ? grams.Multiplier[0] + ((1 + (missing * missing * ones / remainder)) / ones)
            : double.NegativeInfinity;

        double Inverse(int first, int second) => grams.Inverse[(first * grams.Count) + second];
    }

    /// <summary>
    /// About what the relaxation rises by where this candidate is chosen: its layer is moved to it, the others stay where they are, and
    /// the budgets keep their prices.
    /// </summary>
    /// <param name="candidate">The candidate.</param>
    public double RiseWith(int candidate)
    {
        int order = lifted.Order, last = order - 1, own = lifted.Atoms[candidate].At is [var single] ? single : -1;
        int[] layer = lifted.LayerCoordinates(candidate);
        double change = 0;
        for (int q = 0; q < order; q++)
        {
            if (!layer.Contains(q))
            {
                change += own < 0 ? 0 : 2 * Objective(own, q) * point.Primal[(last * order) + q];
                foreach (int p in layer)
                {
                    change -= 2 * Objective(p, q) * point.Primal[(p * order) + q];
                }
            }
        }
        for (int k = lifted.FreeCount; k < lifted.PairStart; k++)
        {
            var value = lifted.Atoms[lifted.Products[k].A].Value;
            double moved = (own < 0 ? 0 : value[own]) - layer.Sum(p => value[p] * point.Primal[(p * order) + last]);
            change -= point.Multiplier[k] * moved;
        }
        return change;

        double Objective(int p, int q) => lifted.Matrix[(Math.Min(p, q) * order) + Math.Max(p, q)];
    }
}
