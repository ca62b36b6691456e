using Clado.Rounding;
using MathNet.Numerics.LinearAlgebra;

namespace Clado.Tests.Candidates;

/// <summary>OPTQ (arXiv 2210.17323) the way the paper writes it, in double precision, a row at a time.</summary>
internal static class SlowFeedback
{
    /// <summary>
    /// <c>q_t = round(w_t); e = (w_t − q_t) / U_tt; w_{t:} −= e · U_{t,t:}</c>, with U the upper Cholesky factor of the inverse of H
    /// (docs/method.md, "Rounding").
    /// </summary>
    public static sbyte[] Codes(FeedbackTests.Problem p, double scale, double damping, out double[] margins)
    {
        int n = p.Columns;
        var gram = p.Inputs.Gram[0];
        // Falling diagonal; among equals the last first, as a stable sort by rising diagonal read backwards has them.
        int[] order = [.. Enumerable.Range(0, n).OrderBy(i => gram[i * (n + 1)]).Reverse()];
        var h = Matrix<double>.Build.Dense(n, n, (i, j) => gram[(order[i] * n) + order[j]] + (i == j ? damping : 0));
        var u = h.Inverse().Cholesky().Factor.Transpose();
        var codes = new sbyte[p.Weights.Length];
        margins = new double[p.Weights.Length];
        for (int row = 0; row < p.Rows; row++)
        {
            double[] w = [.. order.Select(i => (double)p.Weights[(row * n) + i])];
            for (int t = 0; t < n; t++)
            {
                double ratio = w[t] / scale, code = Math.Clamp(Math.Round(ratio), Grid.Lowest(p.Bits), Grid.Highest(p.Bits));
                int at = (row * n) + order[t];
                codes[at] = (sbyte)code;
                margins[at] = Math.Abs(Math.Abs(ratio - Math.Floor(ratio)) - 0.5);
                double e = (w[t] - (code * scale)) / u[t, t];
                for (int s = t; s < n; s++)
                {
                    w[s] -= e * u[t, s];
                }
            }
        }
        return codes;
    }
}
