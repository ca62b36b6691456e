using System.Numerics.Tensors;
using Clado.Numerics;

namespace Clado.Allocation.Solver;

/// <summary>
/// A step of the interior-point method: Mehrotra's predictor and corrector (SIAM J. Optim. 2, 1992) in the direction of Helmberg, Rendl,
/// Vanderbei and Wolkowicz.
/// </summary>
internal sealed class NewtonStep
{
    // Steps stop short of the boundary by this factor: at the boundary Z has no inverse.
    private const double Interior = 0.95;

    // Steps shrink by this factor while they leave the cone; each trial costs a factorisation, and a step too short costs another step.
    private const double Shrink = 0.8;

    // Below this step length there is no progress left to make: rounding is what stops it.
    private const double ShortestStep = 1e-3;

    // A step without any centring would end at the boundary.
    private const double LeastCentring = 0.01;

    private readonly LiftedProblem lifted;
    private readonly PrimalDualPoint point;
    private readonly AtomGrams grams;
    private readonly SchurComplement equations;
    private readonly int order, products, threadCount;
    private readonly double[] primal, dual, multiplier, slack, correction, secondOrder, work, trial;
    private double primalLength, dualLength;

    /// <summary>Prepares steps of a point.</summary>
    /// <param name="lifted">The problem.</param>
    /// <param name="point">The point.</param>
    /// <param name="grams">Its matrices between atoms.</param>
    /// <param name="threadCount">Threads; the result does not depend on it.</param>
    public NewtonStep(LiftedProblem lifted, PrimalDualPoint point, AtomGrams grams, int threadCount)
    {
        (this.lifted, this.point, this.grams, this.threadCount) = (lifted, point, grams, threadCount);
        (order, products) = (lifted.Order, lifted.Products.Length);
        equations = new SchurComplement(lifted, point, grams, threadCount);
        (primal, dual, correction) = (new double[order * order], new double[order * order], new double[order * order]);
        (work, trial) = (new double[order * order], new double[order * order]);
        (multiplier, slack, secondOrder) = (new double[products], new double[products], new double[products]);
    }

    /// <summary>Whether the step leads to an X that keeps all equations.</summary>
    public bool IsFeasible => primalLength == 1;

    /// <summary>Finds a step.</summary>
    /// <param name="complementarity"><c>⟨X, Z⟩</c> and that of the slacks.</param>
    /// <returns>False where there is no progress left to make.</returns>
    public bool TryFind(double complementarity)
    {
        if (!equations.TryFactor())
        {
            return false;
        }
        double mean = complementarity / (order + products - lifted.FreeCount);
        Array.Clear(secondOrder);
        Direct(0, isCorrected: false);
        double target = Centring(complementarity) * mean;
        for (int i = lifted.FreeCount; i < products; i++)
        {
            secondOrder[i] = slack[i] * multiplier[i];
        }
        SetProduct(primal, correction);
        Direct(target, isCorrected: true);
        return Math.Max(primalLength, dualLength) >= ShortestStep;
    }

    /// <summary>Moves the point.</summary>
    public void Take()
    {
        TensorPrimitives.MultiplyAdd(primal, primalLength, point.Primal, point.Primal);
        TensorPrimitives.MultiplyAdd(slack, primalLength, point.Slack, point.Slack);
        TensorPrimitives.MultiplyAdd(multiplier, dualLength, point.Multiplier, point.Multiplier);
    }

    /// <summary>The direction to where every product of eigenvalues is the target, and how far to go.</summary>
    private void Direct(double target, bool isCorrected)
    {
        for (int i = 0; i < products; i++)
        {
            multiplier[i] = (i == 0 ? 1 : 0) - (target * grams.Inverse[(lifted.Products[i].A * grams.Count) + lifted.Products[i].B])
                + (isCorrected ? lifted.Inner(i, correction) : 0)
                + (i < lifted.FreeCount ? 0 : (target - secondOrder[i]) / point.Multiplier[i]);
        }
        equations.Solve(multiplier);
        SetDual();
        // dX = target Z⁻¹ − X − sym(Z⁻¹ dZ X) − correction
        SetProduct(point.Primal, primal);
        for (int i = 0; i < primal.Length; i++)
        {
            primal[i] = (target * point.Inverse[i]) - point.Primal[i] - primal[i] - (isCorrected ? correction[i] : 0);
        }
        for (int i = lifted.FreeCount; i < products; i++)
        {
            slack[i] = ((target - secondOrder[i] - (point.Slack[i] * multiplier[i])) / point.Multiplier[i]) - point.Slack[i];
        }
        primalLength = Longest(point.Primal, primal, point.Slack, slack);
        dualLength = Longest(point.Dual, dual, point.Multiplier, multiplier);
    }

    /// <summary>Mehrotra's rule: the further the predictor gets, the less centring. Range: [0.01, 1].</summary>
    private double Centring(double complementarity)
    {
        double reached = TensorPrimitives.Dot<double>(point.Primal, point.Dual)
            + (primalLength * TensorPrimitives.Dot<double>(primal, point.Dual))
            + (dualLength * TensorPrimitives.Dot<double>(point.Primal, dual))
            + (primalLength * dualLength * TensorPrimitives.Dot<double>(primal, dual));
        for (int i = lifted.FreeCount; i < products; i++)
        {
            reached += (point.Slack[i] + (primalLength * slack[i])) * (point.Multiplier[i] + (dualLength * multiplier[i]));
        }
        double shortest = Math.Min(primalLength, dualLength), exponent = Math.Max(1, 3 * shortest * shortest);
        return Math.Clamp(Math.Pow(Math.Max(0, reached / complementarity), exponent), LeastCentring, 1);
    }

    /// <summary>dZ, of the multipliers' step.</summary>
    private void SetDual()
    {
        Array.Clear(dual);
        for (int i = 0; i < products; i++)
        {
            lifted.AddProduct(i, -multiplier[i], dual);
        }
        DenseMatrix.MirrorUpper(dual, order);
    }

    /// <summary><c>sym(Z⁻¹ dZ M)</c>.</summary>
    private void SetProduct(double[] matrix, double[] result)
    {
        DenseMatrix.MultiplySparse(dual, matrix, order, work);
        DenseMatrix.Multiply(point.Inverse, work, order, result, threadCount);
        DenseMatrix.Symmetrize(result, order);
    }

    /// <summary>How far to go so that the matrix stays positive definite and the numbers positive. Range: [0, 1].</summary>
    private double Longest(double[] matrix, double[] matrixStep, double[] numbers, double[] numbersStep)
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
            if (Cholesky.TryFactor(trial, order, threadCount))
            {
                return length == 1 ? 1 : Interior * length;
            }
            length *= Shrink;
        }
        return 0;
    }
}
