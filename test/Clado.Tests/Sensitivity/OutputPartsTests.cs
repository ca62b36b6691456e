using Clado.Images;
using Clado.Losses;
using Clado.Runs;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>What outputs consist of, found on values whose making is known.</summary>
public class OutputPartsTests
{
    // Channels of detectors, places beside them, and outputs without places.
    public static TheoryData<int[], int> Channels => new()
    {
        { [1, 84, 300], 1 },
        { [1, 300, 85], 2 },
        { [1, 51], 1 },
        { [1, 6, 8, 8], 1 },
        { [1, 8, 8, 6], 3 },
        { [200, 5], 1 },
        { [1, 17, 3], 2 },
        // Maps of square and of other images, with more channels than sides, and such with fewer.
        { [1, 30, 13, 13], 1 },
        { [1, 13, 13, 30], 3 },
        { [1, 255, 12, 20], 1 },
        { [1, 12, 20, 255], 3 },
        { [1, 18, 12, 20], 1 },
        { [1, 12, 20, 6], 3 },
        { [255, 13, 13], 0 },
        // Anchors beside them.
        { [1, 3, 13, 13, 85], 4 },
        { [1, 3, 85, 13, 13], 2 },
        { [1, 13, 13, 3, 85], 4 },
        { [1, 3, 12, 20, 85], 4 },
        { [1, 3, 85, 12, 20], 2 },
        { [1, 3, 507, 85], 3 },
        { [1, 3, 85, 507], 2 },
        { [3, 13, 13, 85], 3 },
        // Rows of detections and keypoints behind axes of one.
        { [1, 1, 200, 7], 3 },
        { [1, 1, 17, 3], 3 },
        { [1, 17, 1, 3], 3 },
        { [1, 30, 1, 1], 1 },
        { [1, 1, 1, 30], 3 },
    };

    // Raw heads of detectors, and two that were found before: all hold 43,095 values.
    public static TheoryData<int[], int> RawHeads => new()
    {
        { [1, 255, 13, 13], 1 },
        { [1, 13, 13, 255], 3 },
        { [1, 3, 13, 13, 85], 4 },
        { [1, 3, 85, 13, 13], 2 },
        { [1, 13, 13, 3, 85], 4 },
        { [1, 507, 85], 2 },
        { [1, 85, 507], 1 },
    };

    [Theory]
    [MemberData(nameof(Channels))]
    public void ChannelsOfOtherScalesArePartsOfTheirOwn(int[] shape, int axis)
    {
        // Every third channel is a score, the others are coordinates.
        var parts = Find(shape, 32, 1, (position, noise) => position(axis) % 3 == 2 ? 0.5 + (0.1 * noise) : 320 + (100 * noise)).Parts;
        Assert.Equal(axis, Assert.Single(parts.Axes).Axis);
        Assert.Equal(shape[axis], parts.Count);
        Assert.Equal($"{shape[axis]} parts along axis {axis}", parts.Summary);
    }

    [Theory]
    [MemberData(nameof(RawHeads))]
    public void ScoresOfRawHeadsHaveAUnitOfTheirOwn(int[] shape, int axis)
    {
        // Nowhere a gap of ten: boxes, whether there is something, and scores.
        static double Deviation(int channel) => (channel % 85) switch { < 4 => 30, 4 => 4, _ => 1 };
        var scale = Find(shape, 64, 23, (position, noise) => Deviation(position(axis)) * noise);
        Assert.Equal($"{shape[axis]} parts along axis {axis}", scale.Parts.Summary);
        Assert.All(scale.Variances, (variance, channel) =>
            Assert.Equal(1, variance / (Deviation(channel) * Deviation(channel)), 0.25));
    }

    [Theory]
    [MemberData(nameof(RawHeads))]
    public void LaddersOfScalesAreChannels(int[] shape, int axis)
    {
        var scale = Find(shape, 16, 29, (position, noise) => Math.Pow(3, position(axis) % 4) * noise);
        Assert.Equal($"{shape[axis]} parts along axis {axis}", scale.Parts.Summary);
    }

    [Theory]
    [MemberData(nameof(RawHeads))]
    public void PlacesThatAreQuietAreNoChannels(int[] shape, int axis)
    {
        // Everything is of one kind, but for the places at the end, which hardly ever see something.
        int places = Enumerable.Range(1, shape.Length - 1).Where(a => a != axis).MaxBy(a => shape[a]);
        double Share(int place) => Math.Exp(-6.0 * place / shape[places]);
        Assert.Equal("one part", Find(shape, 16, 31, (position, noise) => Share(position(places)) * noise).Parts.Summary);
    }

    [Fact]
    public void MapsOfOneChannelHaveNoChannels()
    {
        foreach (int[] shape in (int[][])[[1, 1, 40, 40], [1, 40, 40, 1], [1, 1, 24, 40], [1, 24, 40, 1]])
        {
            int rows = shape[1] == 1 ? 2 : 1;
            var scale = Find(shape, 16, 37, (position, noise) => Math.Exp(-0.2 * position(rows)) * noise);
            Assert.Equal("one part", scale.Parts.Summary);
        }
    }

    [Fact]
    public void OneSmallChannelAmongManyIsFound() =>
        Assert.Equal(85, Find([1, 400, 85], 16, 3, (position, noise) => (position(2) == 4 ? 0.1 : 30) * noise).Parts.Count);

    [Fact]
    public void QuantitiesAlongTheAnchorsAreGroupsOfPlaces()
    {
        // 60 boxes and 20 keypoints in pixels, then 40 rows of scores: the axis of anchors falls into two, whichever way around.
        foreach (int[] shape in (int[][])[[1, 120, 4], [1, 4, 120]])
        {
            int places = Array.IndexOf(shape, 120);
            var scale = Find(shape, 16, 5, (position, noise) => (position(places) < 80 ? 150 : 0.2) * noise);
            var axis = Assert.Single(scale.Parts.Axes);
            Assert.Equal(places, axis.Axis);
            Assert.Equal(Enumerable.Range(0, 120).Select(place => place < 80 ? 0 : 1), axis.PartOf);
            Assert.Equal(150 * 150, scale.Variances[0], 0.1 * 150 * 150);
            Assert.Equal(0.2 * 0.2, scale.Variances[1], 0.1 * 0.2 * 0.2);
        }
    }

    [Fact]
    public void BothAxesFallApartWhereBothDo()
    {
        // Half of the anchors give boxes in pixels and scores, the other half boxes in shares of the image and scores.
        var scale = Find([1, 80, 5], 32, 7, (position, noise) => (position(2) == 4 ? 0.1 : position(1) < 40 ? 100 : 0.3) * noise);
        Assert.Equal([1, 2], scale.Parts.Axes.Select(a => a.Axis));
        Assert.Equal([2, 5], scale.Parts.Axes.Select(a => a.Count));
        double[] deviations = [100, 100, 100, 100, 0.1, 0.3, 0.3, 0.3, 0.3, 0.1];
        double[] variances = [.. deviations.Select(deviation => deviation * deviation)];
        Assert.All(variances.Zip(scale.Variances), pair => Assert.Equal(pair.First, pair.Second, 0.3 * pair.First));
        Assert.Equal("10 parts along axes 1 and 2", scale.Parts.Summary);
    }

    [Fact]
    public void EqualScalesAreOnePartWhateverTheImages()
    {
        var shapes = Gen.OneOf([.. ((int[][])[[1, 6, 50], [1, 40], [1, 3, 10, 10], [300, 4]]).Select(shape => Gen.Const(shape))]);
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[2, 40], shapes).Sample(
            (seed, images, shape) => Assert.Equal(1, Find(shape, images, seed, (_, noise) => 3 + noise).Parts.Count), iter: 200);
    }

    [Fact]
    public void SparseAnswersAreNoQuantities()
    {
        // Scores behind a sigmoid: rare at the border, so that deviations of places run from 1e-7 to 0.3 without a gap.
        double Score(double noise, int place, int places)
        {
            double border = (double)Math.Min(place, places - 1 - place) / places;
            return 1 / (1 + Math.Exp(12 - (16 * border) - (2.5 * noise)));
        }

        Assert.Equal(1, Find([1, 2000, 2], 32, 11, (position, noise) => Score(noise, position(1), 2000)).Parts.Count);
        var map = Find([1, 1, 40, 40], 16, 12, (position, noise) => Score(noise, position(2), 40) * Score(noise, position(3), 40));
        Assert.Equal(1, map.Parts.Count);
        // Beside coordinates they are channels, and their anchors still no parts.
        var beside = Find([1, 6, 2000], 32, 13, (position, noise) =>
            position(1) < 4 ? (8 * position(2)) + (20 * noise) : Score(noise, position(2), 2000));
        Assert.Equal("6 parts along axis 1", beside.Parts.Summary);
    }

    [Fact]
    public void UnitsScaleWithTheOutputAndForgetWhatIsAddedToIt() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[-12, 12]).Sample(UnitsScale, iter: 50);

    private static void UnitsScale(int seed, int exponent)
    {
        double factor = Math.Pow(2, exponent);
        double Value(Func<int, int> position, double noise) => (position(1) < 2 ? 40 : 1) * noise;
        var scale = Find([1, 5, 30], 20, seed, Value);
        var scaled = Find([1, 5, 30], 20, seed, (position, noise) => factor * Value(position, noise));
        Assert.Equal(scale.Parts.Axes.Select(a => a.Axis), scaled.Parts.Axes.Select(a => a.Axis));
        Assert.Equal(scale.Variances.Select(v => factor * factor * v), scaled.Variances);
        // A grid that decoding adds, different at every place: what the images change stays the same.
        var moved = Find([1, 5, 30], 20, seed, (position, noise) => Value(position, noise) + (position(1) < 2 ? 3 * position(2) : 0));
        Assert.Equal(scale.Parts.Count, moved.Parts.Count);
        Assert.All(scale.Variances.Zip(moved.Variances), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * pair.First));
    }

    [Fact]
    public void ConstantsGetNoInfiniteWeight()
    {
        // Channels: coordinates, a constant 7, a constant 0, what changes by a hundred-thousandth of its size, a rounding error around 0,
        // whole numbers.
        double Value(int channel, double noise) => channel switch
        {
            0 => 50 * noise,
            1 => 7,
            2 => 0,
            3 => 100 + (1e-3 * noise),
            4 => 1e-7 * noise,
            _ => Math.Round(3 * noise),
        };
        var variances = Find([1, 6, 40], 24, 17, (position, noise) => Value(position(1), noise)).Variances;
        Assert.Equal(6, variances.Count);
        double whole = variances[0] + variances[1] + variances[3] + variances[5];
        Assert.Equal(7 * 7, variances[1], 1e-6);
        Assert.Equal(0.1 * 0.1, variances[3], 1e-4);
        Assert.InRange(variances[5], 8, 10);
        // Nothing is known about the unit of these two: the mean of all six, in which they are zeros.
        Assert.Equal(whole / 6, variances[2], 1e-6 * whole);
        Assert.Equal(variances[2], variances[4]);
        Assert.Equal([1.0], Find([1, 4], 8, 1, (_, _) => 0).Variances);
    }

    [Fact]
    public void OneImageGivesOnePart()
    {
        var scale = Find([1, 6, 40], 1, 19, (position, noise) => (position(1) < 3 ? 100 : 1) * noise);
        Assert.Equal("one part", scale.Parts.Summary);
        Assert.InRange(scale.Variances[0], 3500, 6500);
    }

    [Fact]
    public void NeitherThreadsNorMemoryNorWritingChangeABit()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 10));
        var graph = Heads.ChannelAxis().BuildGraph();
        IReadOnlyList<OutputScale> Measure(int threads) => ScaleMeasurement.Measure(
            graph, new Workload(images, Preprocessing.Parse("unit")) { Resources = new() { Threads = threads } });
        var expected = Measure(1);
        var run = RunFolder.OpenOrCreate(folder["run"], SyntheticRun.Write(folder["run"], ["a"]).Description);
        run.WriteScales(expected);
        foreach (var other in (IReadOnlyList<OutputScale>[])[Measure(2), Measure(5), run.ReadScales()!])
        {
            Assert.Equal(expected.SelectMany(s => s.Variances), other.SelectMany(s => s.Variances));
            Assert.Equal(expected.SelectMany(s => s.Parts.Axes.Select(a => (s.Output, a.Axis, string.Join(' ', a.PartOf)))),
                other.SelectMany(s => s.Parts.Axes.Select(a => (s.Output, a.Axis, string.Join(' ', a.PartOf)))));
        }
    }

    /// <summary>The scale of an output whose elements are made of normal noise and of their position along an axis.</summary>
    private static OutputScale Find(int[] shape, int images, int seed, Func<Func<int, int>, double, double> value)
    {
        var random = new Random(seed);
        var moments = new OutputMoments(shape.Aggregate(1, (a, b) => a * b));
        for (int image = 0; image < images; image++)
        {
            moments.Add([.. Enumerable.Range(0, moments.Means.Length).Select(element =>
                (float)value(axis => OutputParts.PositionOf(shape, element, axis), Normal(random)))]);
        }
        return ScaleMeasurement.Of("y", shape, moments.Means, moments.Variances(), images);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
