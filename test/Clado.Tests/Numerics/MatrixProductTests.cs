using Clado.Numerics;
using CsCheck;
using Xunit;

namespace Clado.Tests.Numerics;

public class MatrixProductTests
{
    // Sums of up to 300 products of numbers up to 1, in another order.
    private const double Rounding = 1e-12;

    private static readonly Gen<(int Rows, int Columns, int Depth)> Shapes =
        Gen.Select(Gen.Int[1, 90], Gen.Int[1, 90], Gen.Int[0, 300]);

    [Fact]
    public void AProductIsTheSumOfProducts() => Gen.Select(Shapes, Gen.Bool, Gen.Int[0, 1000]).Sample((shape, transposed, seed) =>
    {
        var (rows, columns, depth) = shape;
        var random = new Random(seed);
        double[] a = Matrices.Numbers(random, rows * depth), b = Matrices.Numbers(random, depth * columns);
        double[] target = Matrices.Numbers(random, rows * columns), result = [.. target];
        var left = transposed ? new MatrixBlock(a, 0, rows).Transposed : new MatrixBlock(a, 0, depth);
        var product = new MatrixProduct(left, new MatrixBlock(b, 0, columns), new MatrixBlock(result, 0, columns), shape) { Factor = -2 };
        product.Add();
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double sum = target[(i * columns) + j];
                for (int k = 0; k < depth; k++)
                {
                    sum -= 2 * a[left.Position(i, k)] * b[(k * columns) + j];
                }
                Assert.Equal(sum, result[(i * columns) + j], Rounding * (1 + depth));
            }
        }
    }, iter: 100);

    /// <summary>What lies beside the target is left as it is, whatever its size.</summary>
    [Fact]
    public void NothingBesideTheTargetIsTouched() => Shapes.Sample(shape =>
    {
        const int margin = 5;
        var (rows, columns, depth) = shape;
        int stride = columns + (2 * margin);
        var result = new double[(rows + 1) * stride];
        double[] a = [.. Enumerable.Repeat(1.0, rows * depth)], b = [.. Enumerable.Repeat(1.0, depth * columns)];
        var target = new MatrixBlock(result, margin, stride);
        new MatrixProduct(new MatrixBlock(a, 0, depth), new MatrixBlock(b, 0, columns), target, shape).Add();
        for (int i = 0; i < result.Length; i++)
        {
            bool isInside = i / stride < rows && i % stride >= margin && i % stride < margin + columns;
            Assert.Equal(isInside ? depth : 0, result[i]);
        }
    }, iter: 50);

    [Fact]
    public void ThreadsDoNotChangeABit()
    {
        const int n = 300;
        var random = new Random(1);
        double[] a = Matrices.Numbers(random, n * n), b = Matrices.Numbers(random, n * n), one = new double[n * n], two = new double[n * n];
        DenseMatrix.Multiply(a, b, n, one);
        DenseMatrix.Multiply(a, b, n, two, threadCount: 2);
        Assert.Equal(one, two);
    }
}
