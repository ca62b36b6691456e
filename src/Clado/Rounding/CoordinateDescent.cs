using System.Numerics.Tensors;

namespace Clado.Rounding;

/// <summary>
/// Coordinate descent on the codes q of a row with weights w and scale s.
/// It lowers the output error <c>eᵀA e</c> with e = w − s q and A = H + λ, the Gram matrix and its damping.
/// With all other codes fixed, the best code t is <c>q_t + (A e)_t / (s A_tt)</c>, rounded to the grid.
/// The error never rises. Descent ends when a pass over all codes changes nothing, or after a few passes.
/// Few codes change: A e is kept, and a change adds a column of A to it.
/// </summary>
/// <param name="gram">H. Symmetric. Shape: [columns, columns].</param>
/// <param name="damping">λ.</param>
/// <param name="columns">Order of H.</param>
internal sealed class CoordinateDescent(float[] gram, float damping, int columns)
{
    private const int MaximumSweeps = 8;

    private readonly float[] curvatures = [.. Enumerable.Range(0, columns).Select(t => gram[(t * columns) + t] + damping)];

    /// <summary>Improves the codes of a row.</summary>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    /// <param name="step">s.</param>
    /// <param name="codes">q, improved in place. Shape: [columns].</param>
    /// <param name="error">e, kept up to date. Shape: [columns].</param>
    /// <param name="slope">A e, kept up to date. Shape: [columns].</param>
    public void Improve(int bits, float step, sbyte[] codes, float[] error, float[] slope)
    {
        int lowest = Grid.Lowest(bits), highest = Grid.Highest(bits);
        bool changed = true;
        for (int sweep = 0; changed && sweep < MaximumSweeps; sweep++)
        {
            changed = false;
            for (int t = 0; t < codes.Length; t++)
            {
                float wanted = codes[t] + (slope[t] / (curvatures[t] * step));
                int code = (int)Math.Clamp(MathF.Round(wanted), lowest, highest);
                if (code != codes[t])
                {
                    Change(gram, damping, t, (codes[t] - code) * step, error, slope);
                    codes[t] = (sbyte)code;
                    changed = true;
                }
            }
        }
    }

    /// <summary>Changes one element of an error.</summary>
    /// <param name="gram">H. Symmetric. Shape: [columns, columns].</param>
    /// <param name="damping">λ.</param>
    /// <param name="at">The element.</param>
    /// <param name="change">What is added to it.</param>
    /// <param name="error">e. Shape: [columns].</param>
    /// <param name="slope">A e. Shape: [columns].</param>
    public static void Change(float[] gram, float damping, int at, float change, float[] error, float[] slope)
    {
        error[at] += change;
        TensorPrimitives.MultiplyAdd(gram.AsSpan(at * slope.Length, slope.Length), change, slope, slope);
        slope[at] += damping * change;
    }
}
