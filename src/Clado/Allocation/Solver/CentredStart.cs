using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>
/// Where the interior-point method begins. X is the moment matrix of layers that choose independently and evenly; Z is a multiple of its
/// inverse where the costs of candidates allow.
/// </summary>
internal static class CentredStart
{
    // Slacks are at least this much, however tight the budgets: they are scaled to 1 at most, and a step shrinks them twentyfold at most.
    private const double LeastSlack = 0.1;

    // Weight of a matrix of zeros: any number above 0.
    private const double LeastScale = 1e-12;

    // Pairs weigh together at most what a quarter of the coordinates does: many pairs a candidate would outweigh the diagonal.
    private const double PairShare = 0.25;

    /// <summary>Sets a point.</summary>
    /// <param name="lifted">The problem.</param>
    /// <param name="point">Is set and factorised.</param>
    /// <returns>False where the entries are too large for sums of them.</returns>
    public static bool TrySet(LiftedProblem lifted, PrimalDualPoint point)
    {
        double[] share = EvenShares(lifted);
        SetMoments(lifted, share, point.Primal);
        for (double weight = LargestRow(lifted); double.IsFinite(weight); weight *= 2)
        {
            SetMultipliers(lifted, share, weight, point);
            point.SetConstant(weight);
            if (point.TryFactor())
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The largest sum of magnitudes in a row of the objective's upper triangle.</summary>
    private static double LargestRow(LiftedProblem lifted)
    {
        int order = lifted.Order;
        double scale = LeastScale;
        for (int p = 0; p < order - 1; p++)
        {
            scale = Math.Max(scale, TensorPrimitives.SumOfMagnitudes<double>(lifted.Matrix.AsSpan((p * order) + p, order - p)));
        }
        return scale;
    }

    /// <summary>Every candidate of a layer alike, in the coordinates.</summary>
    private static double[] EvenShares(LiftedProblem lifted)
    {
        var share = new double[lifted.Order];
        Array.Fill(share, 1);
        foreach (var (at, _) in lifted.Atoms[..lifted.One])
        {
            // A base's atom holds its layer's coordinates and the constant.
            foreach (int p in at.Length > 1 ? at[..^1] : [])
            {
                share[p] = 1.0 / at.Length;
            }
        }
        return share;
    }

    private static void SetMoments(LiftedProblem lifted, double[] share, double[] primal)
    {
        int order = lifted.Order;
        for (int p = 0; p < order; p++)
        {
            TensorPrimitives.Multiply(share, share[p], primal.AsSpan(p * order, order));
            primal[(p * order) + p] = share[p];
        }
        foreach (var (a, b) in lifted.Products[1..lifted.FreeCount])
        {
            if (lifted.Atoms[b].At.Length == 1)
            {
                int p = lifted.Atoms[a].At[0], q = lifted.Atoms[b].At[0];
                primal[(p * order) + q] = primal[(q * order) + p] = 0;
            }
        }
    }

    private static void SetMultipliers(LiftedProblem lifted, double[] share, double weight, PrimalDualPoint point)
    {
        int products = lifted.Products.Length;
        for (int product = 1; product < lifted.FreeCount; product++)
        {
            // 1/share of both: exactly the inverse of the layer's covariance.
            point.Multiplier[product] = 2 * weight / share[lifted.Atoms[lifted.Products[product].A].At[0]];
        }
        double pairShare = Math.Min(1, PairShare * lifted.Order / Math.Max(1, products - lifted.PairStart));
        for (int product = lifted.FreeCount; product < products; product++)
        {
            point.Slack[product] = Math.Max(LeastSlack, lifted.Inner(product, point.Primal));
            point.Multiplier[product] = (product < lifted.PairStart ? 1 : pairShare) * weight / point.Slack[product];
        }
    }
}
