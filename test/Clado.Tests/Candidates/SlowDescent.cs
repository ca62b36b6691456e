using Clado.Rounding;

namespace Clado.Tests.Candidates;

/// <summary>Coordinate descent with every slope found anew, in double precision.</summary>
internal static class SlowDescent
{
    private const int Sweeps = 8;

    /// <summary><c>q_t + ((H + λ)e)_t / (s (H + λ)_tt)</c>, rounded, code by code.</summary>
    /// <param name="p">The weights and their inputs.</param>
    /// <param name="start">Codes to begin with.</param>
    /// <param name="damping">λ.</param>
    /// <param name="margins">How close a code of each row came to the middle between two. Shape: [rows].</param>
    public static sbyte[] Codes(FeedbackTests.Problem p, RoundedWeights start, double damping, out double[] margins)
    {
        int n = p.Columns;
        var gram = p.Inputs.Gram[0];
        var codes = start.Codes.ToArray();
        margins = [.. Enumerable.Repeat(0.5, p.Rows)];
        for (int row = 0; row < p.Rows; row++)
        {
            double scale = start.Scales[row];
            for (int sweep = 0; sweep < Sweeps; sweep++)
            {
                for (int t = 0; t < n; t++)
                {
                    int at = row * n;
                    double Error(int i) => p.Weights[at + i] - (codes[at + i] * scale);
                    double slope = Enumerable.Range(0, n).Sum(i => gram[(t * n) + i] * Error(i)) + (damping * Error(t));
                    double wanted = codes[at + t] + (slope / ((gram[t * (n + 1)] + damping) * scale));
                    margins[row] = Math.Min(margins[row], Math.Abs(Math.Abs(wanted - Math.Floor(wanted)) - 0.5));
                    codes[at + t] = (sbyte)Math.Clamp(Math.Round(wanted), Grid.Lowest(p.Bits), Grid.Highest(p.Bits));
                }
            }
        }
        return codes;
    }
}
