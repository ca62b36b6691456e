using Clado.Graphs;
using Clado.Losses;
using CsCheck;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>The divergence at every place of a map, and the cosine of vectors, against their definitions, term by term.</summary>
public class PlaceLossTests
{
    private const int Images = 2, Candidates = 4;

    // Shifts of pairs are added in single precision by the direct loop.
    private const double Rounding = 2e-5;

    private static readonly Gen<int> Seeds = Gen.Int[0, 1_000_000];

    private static readonly Gen<(int Seed, int Classes, int Stride, int Blocks, bool IsExclusive)> Layouts =
        Gen.Select(Seeds, Gen.Int[1, 6], Gen.Int[1, 9], Gen.Int[1, 80], Gen.Bool);

    [Fact]
    public void TheDivergenceIsThatOfTheTextbookAtEveryPlace() => Layouts.Sample(layout =>
    {
        var (readout, random) = (Of(layout), new Random(layout.Seed));
        var (z0, z) = (Values(random, readout, 8), Values(random, readout, 8));
        var shift = Values(random, readout, 3);
        var loss = new PlaceLoss(readout, z0, z);
        Assert.Equal(0, loss.Base);
        int size = readout.ElementCount;
        for (int image = 0; image < Images; image++)
        {
            var own = new Range(image * size, (image + 1) * size);
            float[] moved = [.. z[own].Zip(shift[own], (a, b) => a + b)];
            double expected = Divergence(readout, z0[own], moved) - Divergence(readout, z0[own], z[own]);
            Assert.Equal(expected, loss.Increase(image, shift.AsSpan(own)), Rounding * (1 + Math.Abs(expected)));
        }
    }, iter: 60);

    [Fact]
    public void CrossTermsAreThoseOfTheDirectLoop() => Layouts.Sample(layout =>
    {
        var (readout, random) = (Of(layout), new Random(layout.Seed));
        var (z0, z) = (Values(random, readout, 8), Values(random, readout, 8));
        var shifts = Enumerable.Range(0, Candidates).Select(_ => Values(random, readout, 5)).ToArray();
        Compare(new PlaceLoss(readout, z0, z), shifts, readout.ElementCount);
    }, iter: 30);

    [Fact]
    public void TheCosineIsThatOfTheTextbook() => Gen.Select(Seeds, Gen.Int[1, 40]).Sample((seed, size) =>
    {
        var (readout, random) = (Vector(size), new Random(seed));
        var (z0, z) = (Values(random, readout, 8), Values(random, readout, 8));
        var shifts = Enumerable.Range(0, Candidates).Select(_ => Values(random, readout, 5)).ToArray();
        var loss = new CosineLoss(z0, z, size);
        for (int image = 0; image < Images; image++)
        {
            var own = new Range(image * size, (image + 1) * size);
            float[] moved = [.. z[own].Zip(shifts[0][own], (a, b) => a + b)];
            Assert.Equal(Distance(z0[own], moved) - Distance(z0[own], z[own]), loss.Increase(image, shifts[0].AsSpan(own)), Rounding);
        }
        Compare(loss, shifts, size);
    }, iter: 60);

    /// <summary>What makes a vector longer is no loss, and what is turned around is the whole of it.</summary>
    [Fact]
    public void LengthsDoNotCount() => Gen.Select(Seeds, Gen.Int[1, 40], Gen.Double[0.01, 100]).Sample((seed, size, factor) =>
    {
        var z = Values(new Random(seed), Vector(size), 8);
        var loss = new CosineLoss(z, z, size);
        Assert.Equal(0, loss.Increase(1, [.. z[size..].Select(v => (float)((factor - 1) * v))]), Rounding);
        Assert.Equal(2, loss.Increase(1, [.. z[size..].Select(v => (float)(-(factor + 1) * v))]), Rounding);
    }, iter: 60);

    [Fact]
    public void AVectorWithoutLengthHasNoDirection()
    {
        var loss = new CosineLoss([0, 0, 3, 4], [0, 0, 3, 4], 2);
        Assert.Equal(0, loss.Increase(0, [0, 0]));
        Assert.Equal(1, loss.Increase(0, [1, 0]));
        Assert.Equal(1, loss.Increase(1, [-3, -4]));
        Assert.Equal(1 - 0.6, loss.Increase(1, [0, -4]), Rounding);
    }

    /// <summary>One value that says yes or no has the losses of two classes, no and yes.</summary>
    [Fact]
    public void YesOrNoIsTwoClasses()
    {
        var readout = Of((0, 1, 1, 1, false));
        float[] z0 = [1.5f, -0.5f], z = [1, 0.25f], shift = [-2, 0.5f];
        float[] Both(float[] yes) => [.. yes.SelectMany(value => (float[])[0, value])];
        foreach (int[]? labels in (int[]?[])[null, [1, 0]])
        {
            OutputLoss binary = new PlaceLoss(readout, z0, z, labels);
            OutputLoss expected = labels is null
                ? ClassLoss.KullbackLeibler(Both(z0), Both(z), 2)
                : ClassLoss.CrossEntropy(Both(z0), Both(z), 2, labels);
            Assert.Equal(expected.Base, binary.Base, 1e-12);
            Assert.Equal(expected.Increases(Both(shift), 2), binary.Increases(shift, 1), (a, b) => Math.Abs(a - b) < 1e-12);
        }
    }

    /// <summary>Two maps count alike, however many places they have.</summary>
    [Fact]
    public void OutputsCountAlike()
    {
        var (one, two) = (new ClassLayout(2, 3, true), new ClassLayout(3, 1, true));
        var both = new Readout(["a", "b"], [6, 3], new TaskDecision(NetworkTask.Segment, "")) { Classes = [one, two] };
        var random = new Random(5);
        var (z0, z) = (Values(random, both, 4), Values(random, both, 4));
        double Own(ClassLayout layout, Range range)
        {
            var readout = new Readout(["a"], [range.End.Value - range.Start.Value], both.Decision) { Classes = [layout] };
            return Divergence(readout, z0[range], z[range]);
        }
        float[] shift = [.. z.Zip(z0, (a, b) => a - b).Take(9)];
        double expected = (Own(one, ..6) + Own(two, 6..9)) / 2;
        Assert.Equal(expected, new PlaceLoss(both, z0, z0).Increase(0, shift), Rounding);
    }

    private static void Compare(OutputLoss loss, float[][] shifts, int size)
    {
        int[] layers = [.. Enumerable.Range(0, Candidates)];
        foreach (int threads in (int[])[1, 2])
        {
            var cross = loss.CrossTerms(shifts, layers, threads);
            for (int a = 0; a < Candidates; a++)
            {
                for (int b = a + 1; b < Candidates; b++)
                {
                    float[] both = [.. shifts[a].Zip(shifts[b], (p, q) => p + q)];
                    double[] terms =
                    [
                        .. loss.Increases(both, size).Zip(loss.Increases(shifts[a], size), (sum, first) => sum - first)
                            .Zip(loss.Increases(shifts[b], size), (rest, second) => rest - second),
                    ];
                    Assert.Equal(terms.Sum(), cross.Values[(a * Candidates) + b], Rounding * (1 + Math.Abs(terms.Sum())));
                    Assert.Equal(cross.Values[(a * Candidates) + b], cross.Values[(b * Candidates) + a]);
                    double squares = terms.Sum(t => t * t), found = cross.Values[(Candidates * Candidates) + (a * Candidates) + b];
                    Assert.Equal(squares, found, 10 * Rounding * (1 + squares));
                }
            }
        }
    }

    /// <summary>The divergence of one image, from the definition: every place, every class.</summary>
    private static double Divergence(Readout readout, float[] z0, float[] z)
    {
        var layout = readout.Classes![0];
        int places = z0.Length / layout.Count;
        double sum = 0;
        for (int place = 0; place < places; place++)
        {
            int[] elements = [.. Enumerable.Range(0, z0.Length).Where(e =>
                (e / (layout.Count * layout.Stride) * layout.Stride) + (e % layout.Stride) == place)];
            Assert.Equal(layout.Count, elements.Length);
            double Log(float[] values, int e) => values[e] - Math.Log(elements.Sum(k => Math.Exp(values[k])));
            double Sigmoid(double score) => 1 / (1 + Math.Exp(-score));
            sum += layout.IsExclusive
                ? elements.Sum(e => Math.Exp(Log(z0, e)) * (Log(z0, e) - Log(z, e)))
                : elements.Sum(e => (Sigmoid(z0[e]) * Math.Log(Sigmoid(z0[e]) / Sigmoid(z[e])))
                    + (Sigmoid(-z0[e]) * Math.Log(Sigmoid(-z0[e]) / Sigmoid(-z[e]))));
        }
        return sum / places;
    }

    private static double Distance(float[] a, float[] b)
    {
        double dot = a.Zip(b, (x, y) => (double)x * y).Sum();
        double Length(float[] v) => Math.Sqrt(v.Sum(x => (double)x * x));
        return 1 - (dot / (Length(a) * Length(b)));
    }

    private static Readout Of((int Seed, int Classes, int Stride, int Blocks, bool IsExclusive) layout) =>
        new(["y"], [layout.Classes * layout.Stride * layout.Blocks], new TaskDecision(NetworkTask.Segment, ""))
        {
            Classes = [new ClassLayout(layout.Classes, layout.Stride, layout.IsExclusive)],
        };

    private static Readout Vector(int size) => new(["y"], [size], new TaskDecision(NetworkTask.Embed, ""));

    private static float[] Values(Random random, Readout readout, double spread) =>
        [.. Enumerable.Range(0, Images * readout.ElementCount).Select(_ => (float)(spread * (random.NextDouble() - 0.5)))];
}
