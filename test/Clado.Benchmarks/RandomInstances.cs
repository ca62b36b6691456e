using Clado.Allocation.Solver;

namespace Clado.Benchmarks;

internal static class RandomInstances
{
    public static double Spread = 1, RankWeight = 1, Noise = 0.3, Sizes = 1;
    public static (double[] G, double[] Sizes) Create(int layers, int seed)
    {
        var random = new Random(seed);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        int n = layers * 3;
        int[] bits = [2, 4, 8];
        double[] sizes = [.. Enumerable.Range(0, layers).Select(_ => Math.Round(10000 * Math.Exp(Sizes * Normal())))];
        var scale = new double[n];
        for (int i = 0; i < layers; i++)
        {
            double amplitude = Math.Exp(0.5 * Spread * Normal());
            for (int b = 0; b < 3; b++) scale[i * 3 + b] = amplitude * Math.Pow(2, 2-bits[b]);
        }
        const int rank = 5;
        var v = new double[n * rank];
        for (int i = 0; i < v.Length; i++) v[i] = Normal();
        var g = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = i == j ? 1 : Noise * Normal() / Math.Sqrt(n);
                for (int r = 0; r < rank; r++) sum += RankWeight * v[i * rank + r] * v[j * rank + r] / rank;
                if (i != j && i / 3 == j / 3) sum = 0;
                g[i * n + j] = g[j * n + i] = sum * scale[i] * scale[j] * 0.1;
            }
        }
        return (Clado.Sensitivity.SpectralProjection.Project(g, n).Projected, sizes);
    }
    public static AllocationProblem Problem(int layers, int seed, double bitsAverage)
    {
        var (g, sizes) = Create(layers, seed);
        int[] bits = [2, 4, 8];
        long[] cost = [.. Enumerable.Range(0, layers * 3).Select(a => (long)(sizes[a / 3] * bits[a % 3]))];
        return new AllocationProblem(g, [.. Enumerable.Range(0, layers * 3).Select(a => a / 3)], [cost], [(long)(bitsAverage * sizes.Sum())]);
    }
}
