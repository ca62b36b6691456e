using Clado.Numerics;
using CsCheck;
using Xunit;

namespace Clado.Tests.Numerics;

/// <summary>Products of single precision against double precision, one element after the other. Registers decide nothing.</summary>
public class LanesTests
{
    // Sums of some hundred products around 1.
    private const double Tolerance = 1e-4;

    [Fact]
    public void AProductIsThatOfEveryVector() => Gen.Select(Gen.Int[0, 14], Gen.Int[0, 420], Gen.Int[0, 9], Gen.Int[0, 1 << 30])
        .Sample((rows, elements, gap, seed) =>
        {
            int stride = elements + gap;
            var (matrix, vectors) = (Values(rows * stride, seed), Values(elements * Lanes.Count, seed + 1));
            var targets = Values(rows * Lanes.Count, seed + 2);
            float[] product = [.. targets];
            Lanes.AddProduct(matrix, stride, vectors, product);
            for (int i = 0; i < product.Length; i++)
            {
                double sum = targets[i];
                for (int k = 0; k < elements; k++)
                {
                    sum += (double)matrix[(i / Lanes.Count * stride) + k] * vectors[(k * Lanes.Count) + (i % Lanes.Count)];
                }
                Assert.Equal(sum, product[i], Tolerance);
            }
        }, iter: 60);

    [Fact]
    public void WideRegistersGiveTheSameBits() => Gen.Select(Gen.Int[0, 300], Gen.Int[0, 1 << 30]).Sample((elements, seed) =>
    {
        var (matrix, vectors) = (Values(LaneTile.Rows * elements, seed), Values(elements * Lanes.Count, seed + 1));
        float[] wide = Values(LaneTile.Rows * Lanes.Count, seed + 2), narrow = [.. wide];
        if (elements > 0)
        {
            LaneTile.Add512(ref matrix[0], elements, ref vectors[0], elements, ref wide[0]);
            LaneTile.Add256(ref matrix[0], elements, ref vectors[0], elements, ref narrow[0]);
            LaneTile.Add256(ref matrix[0], elements, ref vectors[16], elements, ref narrow[16]);
        }
        Assert.Equal(wide, narrow);
    }, iter: 100);

    [Fact]
    public void InterleavedVectorsAreThere() => Gen.Select(Gen.Int[1, 32], Gen.Int[1, 40], Gen.Int[0, 1 << 30])
        .Sample((count, elements, seed) =>
        {
            float[][] vectors = [.. Enumerable.Range(0, count).Select(v => Values(elements, seed + v))];
            var lanes = Lanes.Interleaved(vectors, elements);
            for (int v = 0; v < Lanes.Count; v++)
            {
                Assert.Equal(v < count ? vectors[v] : new float[elements], Lanes.Vector(lanes, v));
            }
        }, iter: 50);

    [Fact]
    public void ADotProductIsTheSumOfProducts() => Gen.Select(Gen.Int[0, 100], Gen.Int[0, 1 << 30]).Sample((elements, seed) =>
    {
        var (first, second) = (Values(elements, seed), Values(elements, seed + 1));
        Assert.Equal(first.Zip(second, (x, y) => (double)x * y).Sum(), DotProduct.Of(first, second), 1e-12);
    }, iter: 200);

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
