using Clado.Losses;
using CsCheck;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>The directions along which outputs are differentiated: laws of the curvature, and of what is drawn.</summary>
public class FisherDirectionTests
{
    private static readonly Gen<double[]> Distributions = Gen.Select(Gen.Double[-30, 30].Array[2, 12], Gen.Bool).Select(
        (scores, tied) => Softmax(tied ? [.. scores, scores[0], scores[0]] : scores));

    // Probabilities that are equal to eight digits leave their eigenvectors as many less.
    private const double NearlyEqual = 1e-7;

    [Fact]
    public void AllEigenvectorsMakeUpTheCurvature() => Distributions.Sample(p =>
    {
        var curvature = new ClassCurvature(p);
        double[][] vectors = curvature.Leading(p.Length - 1);
        double[] values = [.. vectors.Select(curvature.Along)];
        Assert.Equal(curvature.Trace, values.Sum(), NearlyEqual);
        for (int i = 0; i < p.Length; i++)
        {
            for (int j = 0; j < p.Length; j++)
            {
                double sum = vectors.Zip(values, (vector, value) => value * vector[i] * vector[j]).Sum();
                Assert.Equal((i == j ? p[i] : 0) - (p[i] * p[j]), sum, NearlyEqual);
            }
        }
        for (int i = 0; i < vectors.Length; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                Assert.Equal(i == j ? 1 : 0, vectors[i].Zip(vectors[j], (a, b) => a * b).Sum(), 10 * NearlyEqual);
            }
            // The largest first.
            Assert.True(i == 0 || values[i] <= values[i - 1] + NearlyEqual);
        }
    });

    /// <summary>All signs there are, each once: the mean outer product is the curvature, not only in the mean over many draws.</summary>
    [Fact]
    public void SignsMakeUpTheCurvature()
    {
        float[] scores = [0.3f, -1, 2, 0.5f];
        double[] p = Softmax([.. scores.Select(score => (double)score)]);
        AssertMean(ClassLoss.KullbackLeibler(scores, scores, 4), 4, (i, j) => (i == j ? p[i] : 0) - (p[i] * p[j]));
        double[] weights = [0.5, 1, 2, 0.1];
        AssertMean(SquaredLoss.Between(scores, scores, weights), 4, (i, j) => i == j ? 2 * weights[i] : 0);
        double square = scores.Sum(score => score * score);
        AssertMean(new CosineLoss(scores, scores, 4), 4, (i, j) => ((i == j ? 1 : 0) - (scores[i] * scores[j] / square)) / square);
    }

    /// <summary>
    /// Of shifts along the directions the loss is that of all classes; merged classes, of which there are more than are told apart here,
    /// differ where they do not move alike.
    /// </summary>
    [Fact]
    public void ShiftsAlongTheDirectionsHaveTheLossOfAllClasses()
    {
        var random = new Random(3);
        foreach (int classes in (int[])[8, 32, 60])
        {
            const int images = 3, candidates = 4;
            float[] scores = [.. Enumerable.Range(0, images * classes).Select(_ => (float)(3 * Normal(random)))];
            var loss = ClassLoss.KullbackLeibler(scores, scores, classes);
            var shifts = new LeadingShifts(loss, images, classes, 2);
            float[][] derivatives = [.. Enumerable.Range(0, candidates).Select(_ =>
                Enumerable.Range(0, 2 * images).Select(_ => (float)Normal(random)).ToArray())];
            float[][] along = shifts.Of(derivatives, isWhole: false), whole = shifts.Of(derivatives, isWhole: true);
            for (int image = 0; image < images; image++)
            {
                var curvature = loss.Curvature(image);
                double[][] basis = curvature.Leading(2);
                double longer = Math.Sqrt(curvature.Trace / basis.Sum(curvature.Along));
                double Loss(int row, double factor)
                {
                    double[] own = [.. Enumerable.Range(0, classes).Select(k =>
                        factor * ((derivatives[row][2 * image] * basis[0][k]) + (derivatives[row][(2 * image) + 1] * basis[1][k])))];
                    double[] p = [.. curvature.Distribution];
                    return Math.Log(p.Zip(own, (share, shift) => share * Math.Exp(shift)).Sum())
                        - p.Zip(own, (share, shift) => share * shift).Sum();
                }

                for (int row = 0; row < candidates; row++)
                {
                    int size = along[row].Length / images;
                    Assert.Equal(Math.Min(classes, 32), size);
                    double tolerance = classes > 32 ? 0.02 : 1e-5;
                    Assert.Equal(1, Reduced(along) / Loss(row, 1), tolerance);
                    Assert.Equal(1, Reduced(whole) / Loss(row, longer), tolerance);

                    double Reduced(float[][] all) => shifts.Loss.Increase(image, all[row].AsSpan(image * size, size));
                }
            }
        }
    }

    private static void AssertMean(OutputLoss loss, int size, Func<int, int, double> curvature)
    {
        var sums = new double[size, size];
        for (int signs = 0; signs < 1 << size; signs++)
        {
            var vector = new float[size];
            loss.Draw(0, new Bits(signs), vector);
            for (int i = 0; i < size; i++)
            {
                for (int j = 0; j < size; j++)
                {
                    sums[i, j] += (double)vector[i] * vector[j] / (1 << size);
                }
            }
        }
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
            {
                Assert.Equal(curvature(i, j), sums[i, j], 1e-6);
            }
        }
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static double[] Softmax(double[] scores)
    {
        double[] powers = [.. scores.Select(score => Math.Exp(score - scores.Max()))];
        return [.. powers.Select(power => power / powers.Sum())];
    }

    private sealed class Bits(int bits) : Random
    {
        private int position;

        public override int Next(int maxValue) => (bits >> position++) & 1;
    }
}
