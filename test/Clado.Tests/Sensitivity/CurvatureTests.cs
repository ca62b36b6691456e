using Clado.Graphs;
using Clado.Inference;
using Clado.Losses;
using CsCheck;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Slopes of losses, and the vectors that are drawn for their curvature, against differences of the losses themselves.</summary>
public class CurvatureTests
{
    private const int Draws = 4000;

    // Steps of differences: the outputs are of order 1.
    private const float Step = 0.02f;

    private static readonly Gen<(int Seed, int Classes, int Places, bool IsExclusive)> Layouts =
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[2, 6], Gen.Int[1, 5], Gen.Bool);

    [Fact]
    public void OfClasses() => Layouts.Sample(layout =>
    {
        var (z0, z, direction) = Values(layout.Seed, layout.Classes);
        Check(ClassLoss.KullbackLeibler(z0, z, layout.Classes), direction, layout.Seed);
        Check(ClassLoss.CrossEntropy(z0, z, layout.Classes, [layout.Seed % layout.Classes]), direction, layout.Seed);
    }, iter: 20);

    [Fact]
    public void OfClassesAtPlaces() => Layouts.Sample(layout =>
    {
        int size = layout.Classes * layout.Places;
        var (z0, z, direction) = Values(layout.Seed, size);
        var readout = new Readout(["y"], [size], new TaskDecision(NetworkTask.Segment, "it is"))
        {
            Classes = [new ClassLayout(layout.Classes, layout.Places, layout.IsExclusive)],
        };
        Check(new PlaceLoss(readout, z0, z), direction, layout.Seed);
    }, iter: 20);

    [Fact]
    public void OfSquares() => Layouts.Sample(layout =>
    {
        var (z0, z, direction) = Values(layout.Seed, layout.Classes);
        Check(SquaredLoss.Between(z0, z, [.. direction.Select(d => Math.Abs(d) + 0.1)]), direction, layout.Seed);
    }, iter: 20);

    /// <summary>The slope anywhere; the curvature at the float network, where it is what is drawn for.</summary>
    [Fact]
    public void OfDirections() => Layouts.Sample(layout =>
    {
        var (z0, z, direction) = Values(layout.Seed, layout.Classes);
        // Short vectors turn far within a step.
        (z0[0], z[0]) = (z0[0] + 2, z[0] + 2);
        Check(new CosineLoss(z0, z, layout.Classes), direction, layout.Seed, isCurved: false);
        Check(new CosineLoss(z0, z0, layout.Classes), direction, layout.Seed);
    }, iter: 20);

    [Fact]
    public void AVectorOfLengthZeroHasNone()
    {
        var loss = new CosineLoss(new float[3], new float[3], 3);
        float[] slope = [1, 1, 1], drawn = [1, 1, 1];
        loss.Slope(0, slope);
        loss.Draw(0, new Random(1), drawn);
        Assert.Equal([0, 0, 0, 0, 0, 0], slope.Concat(drawn));
    }

    /// <summary>Gradients by what is collected of outputs go back to the outputs, through the logarithm of probabilities too.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GradientsAreSpreadOverOutputs(bool holdsProbabilities)
    {
        var decision = new TaskDecision(NetworkTask.Classify, "it is") { HoldsProbabilities = holdsProbabilities };
        var readout = new Readout(["a", "b"], [1, 2], decision);
        float[][] outputs = [[0.5f, 0.25f], [0.1f, 0.9f, 0, 1]];
        float[] collected = [.. new[] { 0.5f, 0.1f, 0.9f, 0.25f, 0, 1 }
            .Select(v => holdsProbabilities ? MathF.Log(Math.Max(v, 1e-12f)) : v)];
        var spread = readout.Spread([1, 2, 3, 4, 5, 6], collected);
        float[][] expected = holdsProbabilities ? [[1 / 0.5f, 4 / 0.25f], [2 / 0.1f, 3 / 0.9f, 0, 6]] : [[1, 4], [2, 3, 5, 6]];
        Assert.All(expected.SelectMany(e => e).Zip(spread.SelectMany(s => s)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.Equal(outputs.Select(o => o.Length), spread.Select(s => s.Length));
    }

    private static void Check(OutputLoss loss, float[] direction, int seed, bool isCurved = true)
    {
        double At(float step) => loss.Increase(0, [.. direction.Select(d => step * d)]);
        var vector = new float[direction.Length];
        loss.Slope(0, vector);
        double slope = Dot(vector, direction), curvature = (At(Step) + At(-Step)) / (Step * Step);
        Assert.Equal((At(Step) - At(-Step)) / (2 * Step), slope, 5e-3);
        if (!isCurved)
        {
            return;
        }
        var random = new Random(seed);
        double[] squares = [.. Enumerable.Range(0, Draws).Select(_ =>
        {
            loss.Draw(0, random, vector);
            return Math.Pow(Dot(vector, direction), 2);
        })];
        double mean = squares.Average(), error = Math.Sqrt(squares.Sum(s => (s - mean) * (s - mean))) / Draws;
        Assert.Equal(curvature, mean, (6 * error) + 5e-3);
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    private static (float[] Target, float[] Start, float[] Direction) Values(int seed, int size)
    {
        var random = new Random(seed);
        float[] Some() => [.. Enumerable.Range(0, size).Select(_ => (float)((2 * random.NextDouble()) - 1))];
        return (Some(), Some(), Some());
    }
}
