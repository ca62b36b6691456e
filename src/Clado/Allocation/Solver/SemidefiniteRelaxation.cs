using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>
/// The semidefinite relaxation of a lifted problem: minimise <c>⟨C, X⟩</c> over positive semidefinite X whose known products of atoms hold. Its
/// dual chooses a multiplier for every product such that <c>Z = C − Σ multiplier · product</c> stays positive definite, which is the best shift of
/// the diagonal and of the free entries between the widths of one layer at once (Billionnet, Elloumi and Plateau 2009, "QCR"). Every dual iterate is a
/// certified bound. Solved by the primal-dual interior-point method of Helmberg, Rendl, Vanderbei and Wolkowicz (SIAM J. Optim. 6, 1996) with
/// Mehrotra's predictor and corrector.
/// </summary>
internal sealed class SemidefiniteRelaxation
{
    // An interior-point method takes 12 to 25 steps here; past this many it has stalled in rounding.
    private const int StepLimit = 60;

    // Steps stop short of the boundary by this factor, and shrink by the second one while they leave the cone.
    private const double Interior = 0.95;
    private const double Shrink = 0.8;

    // The start's slacks are at least this much, however tight the budgets.
    private const double LeastSlack = 0.1;

    // Below this step length there is no progress left to make.
    private const double ShortestStep = 1e-3;

    // The rounding of a Cholesky factorisation of order n is bounded by n + 2 units in the last place of the diagonal and is a few in practice.
    private const double RoundingUnits = 8 * 1.1e-16;

    private readonly LiftedProblem lifted;
    private readonly int order, atoms, products, threadCount;
    private readonly int priced, at;
    private readonly double[] offsets;

    // The multipliers that the Gram matrix of the inverse belongs to.
    private (double Constant, double Price) inverted;
    private double objective;
    private readonly double[] multiplier, slack, primal, dual, factor, inverse, primalGram, inverseGram, half, work, trial, primalStep, dualStep, schur;

    /// <summary>Prepares the relaxation at a well-centred start.</summary>
    /// <param name="lifted">The problem.</param>
    /// <param name="range">Values of a budget that bounds are wanted for; the problem is lifted at one of them.</param>
    /// <param name="at">Index of the value it is lifted at.</param>
    /// <param name="threadCount">Threads; the result does not depend on it.</param>
    public SemidefiniteRelaxation(LiftedProblem lifted, BudgetRange range, int at, int threadCount = 1)
    {
        // Another value changes the constant of the slack alone, and the bound by the slack's multiplier.
        priced = range.Budget < 0 ? 0 : lifted.FreeCount + range.Budget;
        offsets = [.. range.Values.Select(value => range.Budget < 0 ? 0 : (value - range.Values[at]) / lifted.SlackScale[range.Budget])];
        Bounds = [.. range.Values.Select(_ => double.NegativeInfinity)];
        this.at = at;
        (this.lifted, this.threadCount) = (lifted, threadCount);
        (order, atoms, products) = (lifted.Order, lifted.Atoms.Length, lifted.Products.Length);
        (multiplier, slack) = (new double[products], new double[products]);
        int square = order * order;
        (primal, dual, factor, inverse, work, trial) = (new double[square], new double[square], new double[square], new double[square], new double[square], new double[square]);
        (primalStep, dualStep) = (new double[square], new double[square]);
        (primalGram, inverseGram, half, schur) = (new double[atoms * atoms], new double[atoms * atoms], new double[atoms * order], new double[products * products]);
    }

    /// <summary>No choice of the lifted problem has an objective below this.</summary>
    public double Bound => Bounds[at];

    /// <summary>The same at every value of the budget. Shape: [values].</summary>
    public double[] Bounds { get; }

    /// <summary>The relaxation's own optimum is not above this.</summary>
    public double Ceiling { get; private set; } = double.PositiveInfinity;

    /// <summary>Share of a candidate in the relaxed choice. Range: about [0, 1].</summary>
    /// <param name="candidate">Index into the lifted problem's candidates.</param>
    public double Share(int candidate) => primalGram[(lifted.One * atoms) + candidate] / primalGram[(lifted.One * atoms) + lifted.One];

    /// <summary>
    /// No choice with this candidate has an objective below this: what <c>[y 1] Z [y 1]ᵀ</c>, which the bound takes for 0, is at least where the
    /// candidate's atom and the constant are 1.
    /// </summary>
    /// <param name="candidate">Index into the lifted problem's candidates.</param>
    /// <returns>At every value of the budget. Shape: [values].</returns>
    public double[] BoundsWith(int candidate)
    {
        int one = lifted.One;
        double ones = inverseGram[(one * atoms) + one], cross = inverseGram[(one * atoms) + candidate], own = inverseGram[(candidate * atoms) + candidate];
        double remainder = own - (cross * cross / ones);
        // A remainder that is mostly cancellation says nothing.
        double least = remainder > 1e-6 * own ? inverted.Constant + ((1 + ((1 - (cross / ones)) * (1 - (cross / ones)) * ones / remainder)) / ones) : double.NegativeInfinity;
        return [.. Bounds.Select((bound, j) => Math.Max(bound, least - (offsets[j] * inverted.Price)))];
    }

    /// <summary>
    /// About the least the relaxation can be brought to with this candidate: the relaxed choice with the candidate's layer moved to it, the others
    /// where they are, and the budgets at their prices. Infinite where there is no relaxed choice yet.
    /// </summary>
    /// <param name="candidate">Index into the lifted problem's candidates.</param>
    public double ObjectiveWith(int candidate)
    {
        if (double.IsInfinity(Ceiling))
        {
            return double.PositiveInfinity;
        }
        int last = order - 1, own = lifted.Atoms[candidate].At is [var single] ? single : -1;
        int[] layer = lifted.LayerCoordinates(candidate);
        double change = 0;
        for (int q = 0; q < order; q++)
        {
            if (!layer.Contains(q))
            {
                change += own < 0 ? 0 : 2 * Objective(own, q) * primal[(last * order) + q];
                foreach (int p in layer)
                {
                    change -= 2 * Objective(p, q) * primal[(p * order) + q];
                }
            }
        }
        for (int k = lifted.FreeCount; k < lifted.PairStart; k++)
        {
            var value = lifted.Atoms[lifted.Products[k].A].Value;
            change -= multiplier[k] * ((own < 0 ? 0 : value[own]) - layer.Sum(p => value[p] * primal[(p * order) + last]));
        }
        return objective + change;

        double Objective(int p, int q) => lifted.Matrix[(Math.Min(p, q) * order) + Math.Max(p, q)];
    }

    /// <summary>Share of two candidates together in the relaxed choice; below 0 only for products that are not known. Range: about [−1, 1].</summary>
    /// <param name="first">Index into the lifted problem's candidates.</param>
    /// <param name="second">Index into the lifted problem's candidates.</param>
    public double Share(int first, int second) => primalGram[(first * atoms) + second];

    /// <summary>How much a product's multiplier counts for in the bound: known products that count for nothing can be forgotten.</summary>
    /// <param name="product">Index of the product.</param>
    public double Weight(int product) => multiplier[product];

    /// <summary>Improves the bounds until each reaches its cutoff, cannot reach it, or is as good as the relaxation gets.</summary>
    /// <param name="cutoffs">Bounds of this much are enough. Shape: [values].</param>
    /// <param name="tolerance">Ends where the ceiling is this close to the bound, as a share of the distance from bound to cutoff. Range: (0, 1).</param>
    /// <param name="cancellation">Ends early with the bound so far.</param>
    public void Solve(double[] cutoffs, double tolerance, CancellationToken cancellation)
    {
        bool feasible = false, started = TryStart();
        for (int count = 0; started && count < StepLimit && !cancellation.IsCancellationRequested; count++)
        {
            double complementarity = Prepare();
            objective = multiplier[0] + complementarity;
            if (feasible)
            {
                Ceiling = Math.Min(Ceiling, objective);
            }
            if (Bounds.Zip(cutoffs, (bound, cutoff) => bound >= cutoff || Ceiling - Bound <= tolerance * (cutoff - bound)).All(ends => ends) || !DenseKernels.TryCholesky(schur, products, threadCount))
            {
                return;
            }
            var (primalLength, dualLength, step, slackStep) = Direction(complementarity);
            if (Math.Max(primalLength, dualLength) < ShortestStep)
            {
                return;
            }
            TensorPrimitives.MultiplyAdd(primalStep, primalLength, primal, primal);
            TensorPrimitives.MultiplyAdd(slackStep, primalLength, slack, slack);
            TensorPrimitives.MultiplyAdd(step, dualLength, multiplier, multiplier);
            feasible |= primalLength == 1;
            if (!Factor())
            {
                return;
            }
        }
    }

    /// <summary>X is the moment matrix of layers that choose independently and evenly; Z is a multiple of its inverse where the costs of candidates allow.</summary>
    /// <returns>False where the entries are too large for sums of them.</returns>
    private bool TryStart()
    {
        double scale = 1e-12;
        for (int p = 0; p < order - 1; p++)
        {
            scale = Math.Max(scale, TensorPrimitives.SumOfMagnitudes<double>(lifted.Matrix.AsSpan((p * order) + p, order - p)));
        }
        var share = new double[order];
        share[^1] = 1;
        for (int c = 0; c < lifted.One; c++)
        {
            share[lifted.Atoms[c].At[0]] = 1;
        }
        for (int c = 0; c < lifted.One; c++)
        {
            var (at, _) = lifted.Atoms[c];
            if (at.Length > 1)
            {
                foreach (int p in at[..^1])
                {
                    share[p] = 1.0 / at.Length;
                }
            }
        }
        for (int p = 0; p < order; p++)
        {
            TensorPrimitives.Multiply(share, share[p], primal.AsSpan(p * order, order));
            primal[(p * order) + p] = share[p];
        }
        for (int product = 1; product < lifted.FreeCount; product++)
        {
            var (a, b) = lifted.Products[product];
            if (lifted.Atoms[b].At.Length == 1)
            {
                int p = lifted.Atoms[a].At[0], q = lifted.Atoms[b].At[0];
                primal[(p * order) + q] = primal[(q * order) + p] = 0;
            }
        }
        // Many pairs a candidate would outweigh the diagonal.
        double pairShare = Math.Min(1, 0.25 * order / Math.Max(1, products - lifted.PairStart));
        for (double weight = scale; double.IsFinite(weight); weight *= 2)
        {
            for (int product = 1; product < products; product++)
            {
                var (a, b) = lifted.Products[product];
                if (product >= lifted.FreeCount)
                {
                    slack[product] = Math.Max(LeastSlack, lifted.Inner(product, primal));
                    multiplier[product] = (product < lifted.PairStart ? 1 : pairShare) * weight / slack[product];
                }
                else
                {
                    // 1/share of both: exactly the inverse of the layer's covariance.
                    multiplier[product] = 2 * weight / share[lifted.Atoms[a].At[0]];
                }
            }
            multiplier[0] = 0;
            Assemble();
            // The last pivot is what the bound can still rise by: make it the weight.
            dual[^1] = 0;
            dual.CopyTo(factor, 0);
            DenseKernels.TryCholesky(factor, order, threadCount);
            double known = 0;
            for (int p = 0; p < order - 1; p++)
            {
                known += factor[(p * order) + order - 1] * factor[(p * order) + order - 1];
            }
            Assemble();
            multiplier[0] = dual[^1] - known - weight;
            if (Factor())
            {
                return true;
            }
        }
        return false;
    }

    private void Assemble()
    {
        lifted.Matrix.CopyTo(dual, 0);
        for (int product = 0; product < products; product++)
        {
            lifted.AddProduct(product, -multiplier[product], dual);
        }
    }

    /// <summary>Z, its factor and inverse of the multipliers, and the bound they certify.</summary>
    private bool Factor()
    {
        Assemble();
        dual.CopyTo(factor, 0);
        if (!DenseKernels.TryCholesky(factor, order, threadCount))
        {
            return false;
        }
        DenseKernels.InvertCholesky(factor, order, work, inverse, threadCount);
        double roots = 0;
        for (int p = 0; p < order; p++)
        {
            roots += Math.Sqrt(dual[(p * order) + p]);
            for (int q = p + 1; q < order; q++)
            {
                dual[(q * order) + p] = dual[(p * order) + q];
            }
        }
        // The last pivot is the least of [y 1] Z [y 1]ᵀ over all real y.
        double least = multiplier[0] + (factor[^1] * factor[^1]) - (RoundingUnits * roots * roots);
        for (int j = 0; j < Bounds.Length; j++)
        {
            double change = offsets[j] * multiplier[priced];
            Bounds[j] = Math.Max(Bounds[j], least - change - (RoundingUnits * Math.Abs(change)));
        }
        return true;
    }

    /// <summary>The Schur complement of the step's equations, and the complementarity <c>⟨X, Z⟩</c> with the slacks'.</summary>
    private double Prepare()
    {
        lifted.Gram(primal, half, primalGram);
        lifted.Gram(inverse, half, inverseGram);
        inverted = (multiplier[0], multiplier[priced]);
        for (int i = 0; i < products; i++)
        {
            int a = lifted.Products[i].A * atoms, b = lifted.Products[i].B * atoms;
            for (int j = i; j < products; j++)
            {
                var (c, d) = lifted.Products[j];
                schur[(i * products) + j] = 0.25 * ((primalGram[a + c] * inverseGram[b + d]) + (primalGram[a + d] * inverseGram[b + c])
                    + (primalGram[b + c] * inverseGram[a + d]) + (primalGram[b + d] * inverseGram[a + c]));
            }
        }
        double complementarity = TensorPrimitives.Dot<double>(primal, dual);
        for (int i = lifted.FreeCount; i < products; i++)
        {
            schur[(i * products) + i] += slack[i] / multiplier[i];
            complementarity += slack[i] * multiplier[i];
        }
        return complementarity;
    }

    /// <summary>Predictor, then corrector.</summary>
    private (double PrimalLength, double DualLength, double[] Step, double[] SlackStep) Direction(double complementarity)
    {
        double mean = complementarity / (order + products - lifted.FreeCount);
        double centring = 0;
        double[] step = new double[products], slackStep = new double[products], secondOrder = new double[products];
        var correction = Array.Empty<double>();
        for (int pass = 0; ; pass++)
        {
            double target = centring * mean;
            for (int i = 0; i < products; i++)
            {
                step[i] = (i == 0 ? 1 : 0) - (target * inverseGram[(lifted.Products[i].A * atoms) + lifted.Products[i].B])
                    + (pass == 0 ? 0 : lifted.Inner(i, correction)) + (i < lifted.FreeCount ? 0 : (target - secondOrder[i]) / multiplier[i]);
            }
            DenseKernels.SolveCholesky(schur, products, step);
            // dX = target Z⁻¹ − X − sym(Z⁻¹ dZ X) − correction
            ProductWithDualStep(step, primal, primalStep);
            for (int i = 0; i < primalStep.Length; i++)
            {
                primalStep[i] = (target * inverse[i]) - primal[i] - primalStep[i] - (pass == 0 ? 0 : correction[i]);
            }
            for (int i = lifted.FreeCount; i < products; i++)
            {
                slackStep[i] = ((target - secondOrder[i] - (slack[i] * step[i])) / multiplier[i]) - slack[i];
            }
            double primalLength = LongestStep(primal, primalStep, slack, slackStep), dualLength = LongestStep(dual, dualStep, multiplier, step);
            if (pass == 1)
            {
                return (primalLength, dualLength, step, slackStep);
            }
            double reached = TensorPrimitives.Dot<double>(primal, dual) + (primalLength * TensorPrimitives.Dot<double>(primalStep, dual))
                + (dualLength * TensorPrimitives.Dot<double>(primal, dualStep)) + (primalLength * dualLength * TensorPrimitives.Dot<double>(primalStep, dualStep));
            for (int i = lifted.FreeCount; i < products; i++)
            {
                reached += (slack[i] + (primalLength * slackStep[i])) * (multiplier[i] + (dualLength * step[i]));
                secondOrder[i] = slackStep[i] * step[i];
            }
            // Mehrotra's rule: the further the predictor gets, the less centring.
            double shortest = Math.Min(primalLength, dualLength);
            centring = Math.Clamp(Math.Pow(Math.Max(0, reached / complementarity), Math.Max(1, 3 * shortest * shortest)), 0.01, 1);
            correction = ProductWithDualStep(step, (double[])primalStep.Clone(), new double[order * order]);
        }
    }

    /// <summary><c>sym(Z⁻¹ dZ M)</c>, with dZ set from the multipliers' step.</summary>
    private double[] ProductWithDualStep(double[] step, double[] matrix, double[] result)
    {
        Array.Clear(dualStep);
        for (int i = 0; i < products; i++)
        {
            lifted.AddProduct(i, -step[i], dualStep);
        }
        for (int p = 0; p < order; p++)
        {
            for (int q = p + 1; q < order; q++)
            {
                dualStep[(q * order) + p] = dualStep[(p * order) + q];
            }
        }
        DenseKernels.Multiply(dualStep, matrix, order, work);
        DenseKernels.MultiplyDense(inverse, work, order, result, threadCount);
        DenseKernels.Symmetrize(result, order);
        return result;
    }

    /// <summary>How far to go so that the matrix stays positive definite and the numbers positive. Range: [0, 1].</summary>
    private double LongestStep(double[] matrix, double[] matrixStep, double[] numbers, double[] numbersStep)
    {
        double length = 1;
        for (int i = lifted.FreeCount; i < products; i++)
        {
            if (numbersStep[i] < 0)
            {
                length = Math.Min(length, -Interior * numbers[i] / numbersStep[i]);
            }
        }
        while (length > ShortestStep)
        {
            TensorPrimitives.MultiplyAdd(matrixStep, length, matrix, trial);
            if (DenseKernels.TryCholesky(trial, order, threadCount))
            {
                return length == 1 ? 1 : Interior * length;
            }
            length *= Shrink;
        }
        return 0;
    }
}
