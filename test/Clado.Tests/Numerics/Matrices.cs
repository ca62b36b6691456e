namespace Clado.Tests.Numerics;

/// <summary>Random matrices.</summary>
internal static class Matrices
{
    /// <summary>Numbers of −1 to 1.</summary>
    public static double[] Numbers(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextDouble()) - 1)];

    /// <summary>A symmetric positive definite matrix.</summary>
    public static double[] Definite(Random random, int n)
    {
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                matrix[(i * n) + j] = matrix[(j * n) + i] = random.NextDouble() + (i == j ? n : 0);
            }
        }
        return matrix;
    }
}
