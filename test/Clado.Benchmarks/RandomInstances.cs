using Clado.Allocation.Solver;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>
/// Random semidefinite matrices of three widths a layer: identity, rank 5 and noise, scaled a candidate by the layer's amplitude and the
/// width's rounding error; log-normal sizes; a budget of 4 bits a weight.
/// </summary>
internal static class RandomInstances
{
    public static readonly int[] Bits = [2, 4, 8];

    private const int Rank = 5;
    private const double Noise = 0.3, AmplitudeSpread = 0.5, TypicalSize = 10_000, MeanBits = 4;

    /// <summary>The instance of a seed.</summary>
    public static AllocationProblem Create(int layers, int seed)
    {
        var random = new Random(seed);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        int n = layers * Bits.Length;
        double[] sizes = [.. Enumerable.Range(0, layers).Select(_ => Math.Round(TypicalSize * Math.Exp(Normal())))];
        double[] amplitudes = [.. Enumerable.Range(0, layers).Select(_ => Math.Exp(AmplitudeSpread * Normal()))];
        double[] scale = [.. Enumerable.Range(0, n).Select(a => amplitudes[a / Bits.Length] * Math.Pow(2, -Bits[a % Bits.Length]))];
        double[] factors = [.. Enumerable.Range(0, n * Rank).Select(_ => Normal())];
        var matrix = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double sum = a == b ? 1 : Noise * Normal() / Math.Sqrt(n);
                for (int r = 0; r < Rank; r++)
                {
                    sum += factors[(a * Rank) + r] * factors[(b * Rank) + r] / Rank;
                }
                bool together = a == b || a / Bits.Length != b / Bits.Length;
                matrix[(a * n) + b] = matrix[(b * n) + a] = together ? sum * scale[a] * scale[b] : 0;
            }
        }
        return Of(SpectralProjection.Project(matrix, n).Projected, sizes, MeanBits);
    }

    /// <summary>A problem of a matrix and layer sizes with a budget of mean bits a weight.</summary>
    public static AllocationProblem Of(double[] matrix, double[] sizes, double meanBits)
    {
        int n = sizes.Length * Bits.Length;
        return new AllocationProblem(
            matrix, [.. Enumerable.Range(0, n).Select(a => a / Bits.Length)],
            [[.. Enumerable.Range(0, n).Select(a => (long)sizes[a / Bits.Length] * Bits[a % Bits.Length])]],
            [(long)(meanBits * sizes.Sum())]);
    }
}
