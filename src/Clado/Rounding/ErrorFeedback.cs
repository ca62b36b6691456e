using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// OPTQ, also known as GPTQ (arXiv 2210.17323), in its error-feedback form: rows of a weight matrix are rounded column by column,
/// and each column corrects the output error of those rounded before it.
/// H is the Gram matrix of the inputs, <c>H = RᵀR</c> its Cholesky factorization, and e = w − q the error of the weights.
/// The output error is then <c>eᵀHe = ‖Re‖²</c>.
/// From the last column to the first, code t is the one nearest to <c>w_t + Σ_{s>t} R_ts e_s / R_tt</c>.
/// The codes are those of the paper's algorithm. That uses a factor of H⁻¹ instead, and so needs an inverse.
/// Columns are sorted by rising H_tt, so that those with the largest weight in the error are rounded first.
/// </summary>
internal sealed class ErrorFeedback
{
    // Columns that are rounded one by one before the next ones hear of all behind them by one product: 32 rows of so many are 6 KB.
    private const int BlockColumns = 48;

    private readonly float[] factor;
    private readonly float[] pivots;
    private readonly int[] order;

    private ErrorFeedback(float[] factor, float[] pivots, int[] order) => (this.factor, this.pivots, this.order) = (factor, pivots, order);

    /// <summary>Factorises a Gram matrix.</summary>
    /// <param name="gram">H. Symmetric. Shape: [columns, columns].</param>
    /// <param name="columns">Order of the matrix.</param>
    /// <param name="damping">λ, added to the diagonal.</param>
    /// <param name="threads">Threads; the factor does not depend on their number.</param>
    /// <returns>null where the damping is too small to make the matrix positive definite.</returns>
    public static ErrorFeedback? Of(float[] gram, int columns, double damping, int threads)
    {
        int[] order = [.. Enumerable.Range(0, columns).OrderBy(i => gram[(i * columns) + i])];
        var matrix = new double[(long)columns * columns];
        for (int i = 0; i < columns; i++)
        {
            for (int j = i; j < columns; j++)
            {
                matrix[(i * columns) + j] = gram[(order[i] * columns) + order[j]];
            }
            matrix[(i * columns) + i] += damping;
        }
        if (!Cholesky.TryFactor(matrix, columns, threads))
        {
            return null;
        }
        var factor = new float[(long)columns * columns];
        var pivots = new float[columns];
        for (int i = 0; i < columns; i++)
        {
            double pivot = matrix[(i * columns) + i];
            pivots[i] = (float)(pivot * pivot);
            for (int j = i + 1; j < columns; j++)
            {
                factor[(i * columns) + j] = (float)(matrix[(i * columns) + j] / pivot);
            }
        }
        return new ErrorFeedback(factor, pivots, order);
    }

    /// <summary>
    /// The weights that give on inputs x̃ the outputs that w gives on inputs x: <c>w + (H + λ)⁻¹ (C − H) w</c>,
    /// with H the mean of x̃ x̃ᵀ and C the mean of x̃ xᵀ. This is the least squares solution, held near w by the damping λ.
    /// </summary>
    /// <param name="gram">H. Shape: [columns, columns].</param>
    /// <param name="cross">C. Shape: [columns, columns].</param>
    /// <param name="row">w. Shape: [columns].</param>
    /// <returns>Shape: [columns].</returns>
    public float[] Target(ReadOnlySpan<float> gram, ReadOnlySpan<float> cross, ReadOnlySpan<float> row)
    {
        int columns = order.Length;
        var y = new double[columns];
        for (int i = 0; i < columns; i++)
        {
            int at = order[i] * columns;
            y[i] = TensorPrimitives.Dot(cross.Slice(at, columns), row) - TensorPrimitives.Dot(gram.Slice(at, columns), row);
        }
        Solve(y);
        var target = row.ToArray();
        for (int i = 0; i < columns; i++)
        {
            target[order[i]] += (float)y[i];
        }
        return target;
    }

    /// <summary>Solves <c>(H + λ) z = y</c> in place. H + λ = LᵀDL, where L are the factor's rows with ones on the diagonal.</summary>
    private void Solve(double[] y)
    {
        int columns = order.Length;
        for (int i = 0; i < columns; i++)
        {
            for (int j = i + 1; j < columns; j++)
            {
                y[j] -= y[i] * factor[(i * columns) + j];
            }
        }
        for (int i = columns - 1; i >= 0; i--)
        {
            y[i] /= pivots[i];
            for (int j = i + 1; j < columns; j++)
            {
                y[i] -= y[j] * factor[(i * columns) + j];
            }
        }
    }

    /// <summary>Rounds rows, each to a grid of its own scale.</summary>
    /// <param name="rows">A row a lane. Shape: [lanes][columns], at most 32 lanes.</param>
    /// <param name="scales">The scales. Shape: [lanes].</param>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    /// <param name="codes">Receives the codes, row by row; empty where only the error is wanted. Shape: [lanes, columns].</param>
    /// <returns>Output error of each lane, damping included. Shape: [lanes].</returns>
    public float[] Round(ReadOnlySpan<float[]> rows, ReadOnlySpan<float> scales, int bits, Span<sbyte> codes)
    {
        int columns = order.Length;
        var weights = new float[columns * Lanes.Count];
        Span<float> steps = stackalloc float[Lanes.Count];
        steps.Fill(1);
        scales.CopyTo(steps);
        for (int lane = 0; lane < rows.Length; lane++)
        {
            for (int i = 0; i < columns; i++)
            {
                weights[(i * Lanes.Count) + lane] = rows[lane][order[i]];
            }
        }
        var rounded = new float[columns * Lanes.Count];
        var losses = new float[Lanes.Count];
        Run(weights, steps, (Grid.Lowest(bits), Grid.Highest(bits)), rounded, losses);
        for (int lane = 0; lane < (codes.IsEmpty ? 0 : rows.Length); lane++)
        {
            for (int i = 0; i < columns; i++)
            {
                codes[(lane * columns) + order[i]] = (sbyte)rounded[(i * Lanes.Count) + lane];
            }
        }
        return losses[..rows.Length];
    }

    /// <summary>Rounds 32 rows from the last column to the first, and adds their errors to the losses.</summary>
    private void Run(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> steps, (float Lowest, float Highest) grid, Span<float> rounded, Span<float> losses)
    {
        var errors = new float[weights.Length];
        Span<float> targets = stackalloc float[BlockColumns * Lanes.Count];
        Vector256<float> lowest = Vector256.Create(grid.Lowest), highest = Vector256.Create(grid.Highest);
        for (int end = order.Length, first; end > 0; end = first)
        {
            first = Math.Max(0, end - BlockColumns);
            weights[(first * Lanes.Count)..(end * Lanes.Count)].CopyTo(targets);
            Lanes.AddProduct(
                factor.AsSpan((first * order.Length) + end), order.Length, errors.AsSpan(end * Lanes.Count),
                targets[..((end - first) * Lanes.Count)]);
            for (int t = end - 1; t >= first; t--)
            {
                int at = t * Lanes.Count;
                var own = targets.Slice((t - first) * Lanes.Count, Lanes.Count);
                Lanes.Accumulate(factor.AsSpan((t * order.Length) + t + 1, end - t - 1), errors.AsSpan(at + Lanes.Count), own);
                var pivot = Vector256.Create(pivots[t]);
                for (int lane = 0; lane < Lanes.Count; lane += Vector256<float>.Count)
                {
                    var step = Vector256.Create(steps[lane..]);
                    var target = Vector256.Create<float>(own[lane..]);
                    var code = Vector256.Min(Vector256.Max(Vector256.Round(target / step), lowest), highest);
                    code.CopyTo(rounded[(at + lane)..]);
                    var miss = target - (code * step);
                    (Vector256.Create<float>(losses[lane..]) + (pivot * miss * miss)).CopyTo(losses[lane..]);
                    (Vector256.Create(weights[(at + lane)..]) - (code * step)).CopyTo(errors.AsSpan(at + lane));
                }
            }
        }
    }
}
