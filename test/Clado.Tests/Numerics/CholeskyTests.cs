using Clado.Numerics;
using CsCheck;
using Xunit;

namespace Clado.Tests.Numerics;

public class CholeskyTests
{
    // Sums of up to 330 products of numbers up to 1, in another order.
    private const double Rounding = 1e-12;

    [Fact]
    public void AFactorAndAnInverseGiveTheMatrixBack() => Gen.Select(Gen.Int[1, 330], Gen.Int[0, 1000]).Sample((n, seed) =>
    {
        var random = new Random(seed);
        double[] matrix = Matrices.Definite(random, n), factor = [.. matrix], inverse = new double[n * n], product = new double[n * n];
        double[] solution = Matrices.Numbers(random, n), right = new double[n];
        Assert.True(Cholesky.TryFactor(factor, n));
        CholeskyInverse.Compute(factor, n, new double[n * n], inverse);
        DenseMatrix.MultiplySparse(matrix, inverse, n, product);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                Assert.Equal(i == j ? 1 : 0, product[(i * n) + j], Rounding * n);
                right[i] += matrix[(i * n) + j] * solution[j];
            }
        }
        Cholesky.Solve(factor, n, right);
        Assert.All(right.Zip(solution), pair => Assert.Equal(pair.Second, pair.First, Rounding * n));
    }, iter: 30);

    [Fact]
    public void AMatrixThatIsNotPositiveDefiniteHasNoFactor() => Gen.Int[2, 200].Sample(n =>
    {
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            matrix[(i * n) + i] = i == n - 1 ? -1 : 1;
        }
        Assert.False(Cholesky.TryFactor(matrix, n));
    }, iter: 20);

    /// <summary>Orders around the ends of blocks, and one of many.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(201)]
    public void TheFactorOfAGramMatrixGivesItBack(int order)
    {
        var random = new Random(order);
        double[][] x = [.. Enumerable.Range(0, order + 5).Select(_ => Matrices.Numbers(random, order))];
        int[] all = [.. Enumerable.Range(0, order)];
        double[] matrix = [.. all.SelectMany(i => all.Select(j => x.Sum(row => row[i] * row[j])))];
        double[] factor = [.. matrix];
        Assert.True(Cholesky.TryFactor(factor, order));
        for (int i = 0; i < order; i++)
        {
            for (int j = i; j < order; j++)
            {
                double product = Enumerable.Range(0, i + 1).Sum(k => factor[(k * order) + i] * factor[(k * order) + j]);
                Assert.Equal(matrix[(i * order) + j], product, 1e-9 * order);
            }
        }
    }

    [Fact]
    public void ThreadsDoNotChangeABit()
    {
        const int n = 500;
        double[] matrix = Matrices.Definite(new Random(1), n), one = [.. matrix], two = [.. matrix];
        Assert.True(Cholesky.TryFactor(one, n));
        Assert.True(Cholesky.TryFactor(two, n, threadCount: 2));
        Assert.Equal(one, two);
    }
}
