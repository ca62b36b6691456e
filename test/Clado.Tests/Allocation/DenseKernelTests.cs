using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

public class DenseKernelTests
{
    // Sums of up to 300 products of numbers up to 1, in another order.
    private const double Rounding = 1e-12;

    private static readonly Gen<(int Rows, int Columns, int Depth)> Shapes = Gen.Select(Gen.Int[1, 90], Gen.Int[1, 90], Gen.Int[0, 300]);

    [Fact]
    public void AProductIsTheSumOfProducts() => Gen.Select(Shapes, Gen.Bool, Gen.Int[0, 1000]).Sample((shape, transposed, seed) =>
    {
        var random = new Random(seed);
        double[] a = Numbers(random, shape.Rows * shape.Depth), b = Numbers(random, shape.Depth * shape.Columns), target = Numbers(random, shape.Rows * shape.Columns);
        var left = transposed ? new MatrixBlock(a, 0, shape.Rows).Transposed : new MatrixBlock(a, 0, shape.Depth);
        double[] result = [.. target];
        MatrixProduct.Add(-2, left, new MatrixBlock(b, 0, shape.Columns), new MatrixBlock(result, 0, shape.Columns), shape);
        for (int i = 0; i < shape.Rows; i++)
        {
            for (int j = 0; j < shape.Columns; j++)
            {
                double sum = target[(i * shape.Columns) + j];
                for (int k = 0; k < shape.Depth; k++)
                {
                    sum -= 2 * a[transposed ? (k * shape.Rows) + i : (i * shape.Depth) + k] * b[(k * shape.Columns) + j];
                }
                Assert.Equal(sum, result[(i * shape.Columns) + j], Rounding * (1 + shape.Depth));
            }
        }
    }, iter: 100);

    [Fact]
    public void AFactorAndAnInverseGiveTheMatrixBack() => Gen.Select(Gen.Int[1, 330], Gen.Int[0, 1000]).Sample((n, seed) =>
    {
        var random = new Random(seed);
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                matrix[(i * n) + j] = matrix[(j * n) + i] = random.NextDouble() + (i == j ? n : 0);
            }
        }
        double[] factor = [.. matrix], inverse = new double[n * n], product = new double[n * n], solution = Numbers(random, n), right = new double[n];
        Assert.True(DenseKernels.TryCholesky(factor, n));
        DenseKernels.InvertCholesky(factor, n, new double[n * n], inverse);
        DenseKernels.Multiply(matrix, inverse, n, product);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                Assert.Equal(i == j ? 1 : 0, product[(i * n) + j], Rounding * n);
                right[i] += matrix[(i * n) + j] * solution[j];
            }
        }
        DenseKernels.SolveCholesky(factor, n, right);
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
        Assert.False(DenseKernels.TryCholesky(matrix, n));
    }, iter: 20);

    [Fact]
    public void ThreadsDoNotChangeABit()
    {
        const int n = 300;
        var random = new Random(1);
        double[] a = Numbers(random, n * n), b = Numbers(random, n * n), one = new double[n * n], two = new double[n * n];
        DenseKernels.MultiplyDense(a, b, n, one);
        DenseKernels.MultiplyDense(a, b, n, two, threadCount: 2);
        Assert.Equal(one, two);
    }

    private static double[] Numbers(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextDouble()) - 1)];
}
