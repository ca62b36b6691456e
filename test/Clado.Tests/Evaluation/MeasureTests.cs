using Clado.Evaluation;
using Clado.Evaluation.Measures;
using Clado.Graphs;
using Clado.Inference;
using CsCheck;
using Xunit;

namespace Clado.Tests.Evaluation;

/// <summary>Laws of what is measured image by image, and slow references.</summary>
public class MeasureTests
{
    private const double Rounding = 1e-9;

    private static readonly Gen<float[]> Values = Gen.Float[-4, 4].Array[12];

    private static readonly Gen<int[]> Maps = Gen.Int[0, 4].Array[12];

    [Fact]
    public void DifferencesAreThoseOfAllImagesAsOneVectorInAnyOrder() =>
        Gen.Select(Values.Array[1, 6], Values.Array[6], Gen.Int[0, 1000]).Sample((expected, actual, seed) =>
        {
            var pairs = expected.Zip(actual).ToArray();
            var whole = OutputDifference.Sum(pairs.Select(p => OutputDifference.Of(Tensor(p.First), Tensor(p.Second))));
            float[] r = [.. pairs.SelectMany(p => p.First)], v = [.. pairs.SelectMany(p => p.Second)];
            double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(x => x * x));
            double reference = Norm(r.Select(x => (double)x)), own = Norm(v.Select(x => (double)x));
            double error = Norm(r.Zip(v, (a, b) => (double)b - a));
            Assert.Equal(error / reference, whole.RelativeError!.Value, Rounding);
            Assert.Equal(r.Zip(v, (a, b) => (double)a * b).Sum() / (reference * own), whole.Cosine!.Value, Rounding);
            Assert.Equal(r.Zip(v, (a, b) => Math.Abs((double)a - b)).Max(), whole.Largest);
            double peak = (double)r.Max() - r.Min();
            Assert.Equal(10 * Math.Log10(peak * peak / (error * error / r.Length)), whole.PeakSignalToNoise, Rounding);
            new Random(seed).Shuffle(pairs);
            var shuffled = OutputDifference.Sum(pairs.Select(p => OutputDifference.Of(Tensor(p.First), Tensor(p.Second))));
            Assert.Equal(whole.RelativeError.Value, shuffled.RelativeError!.Value, Rounding);
            Assert.Equal((whole.Largest, whole.Lowest, whole.Elements), (shuffled.Largest, shuffled.Lowest, shuffled.Elements));
        });

    [Fact]
    public void WhatIsTheSameIsPerfect() => Values.Array[1, 6].Sample(images =>
    {
        foreach (var task in (NetworkTask[])[NetworkTask.Regress, NetworkTask.Embed, NetworkTask.Segment])
        {
            ModelOutput[][] outputs = [.. images.Select(values => new[] { Tensor(values, 1, 3, 2, 2) })];
            var measures = Measured(task, outputs, outputs);
            Assert.Equal(0, measures.Drop!.Value, Rounding);
            Assert.Equal(task switch
            {
                NetworkTask.Embed => MeasureKind.EmbeddingCosine,
                NetworkTask.Segment => MeasureKind.MeanIou,
                _ => MeasureKind.RelativeError,
            }, measures.Measure);
        }
    });

    [Fact]
    public void MeanIouIsThatOfSetsOfPlaces() => Gen.Select(Maps.Array[1, 5], Maps.Array[5]).Sample((expected, actual) =>
    {
        var pairs = expected.Zip(actual).ToArray();
        var measures = Measured(
            NetworkTask.Segment, [.. pairs.Select(p => Classes(p.First))], [.. pairs.Select(p => Classes(p.Second))]);
        HashSet<(int, int)> Of(int own, Func<(int[], int[]), int[]> which) =>
            [.. pairs.SelectMany((p, image) => which(p).Index().Where(x => x.Item == own).Select(x => (image, x.Index)))];
        var shares = Enumerable.Range(0, 5).Select(own => (First: Of(own, p => p.Item1), Second: Of(own, p => p.Item2)))
            .Where(sets => sets.First.Count + sets.Second.Count > 0)
            .Select(sets => (double)sets.First.Intersect(sets.Second).Count() / sets.First.Union(sets.Second).Count());
        Assert.Equal(shares.Average(), measures.MeanIou!.Value, Rounding);
        double agreeing = pairs.Average(p => p.First.Zip(p.Second).Count(c => c.First == c.Second) / 12.0);
        Assert.Equal(agreeing, measures.PixelAgreement!.Value, Rounding);
        // Which network is called the reference does not matter, nor what classes are called.
        var swapped = Measured(
            NetworkTask.Segment, [.. pairs.Select(p => Classes(p.Second))], [.. pairs.Select(p => Classes(p.First))]);
        Assert.Equal(measures.MeanIou.Value, swapped.MeanIou!.Value, Rounding);
        ModelOutput[][] Renamed(Func<(int[], int[]), int[]> which) =>
            [.. pairs.Select(p => Classes([.. which(p).Select(c => (c + 2) % 5)]))];
        Assert.Equal(
            measures.MeanIou.Value, Measured(NetworkTask.Segment, Renamed(p => p.Item1), Renamed(p => p.Item2)).MeanIou!.Value, Rounding);
    });

    /// <summary>Scores with an axis of classes, in either layout, are the classes that are highest.</summary>
    [Fact]
    public void ScoresAreReadAsTheirHighestClass() => Gen.Select(Maps, Maps).Sample((expected, actual) =>
    {
        // [1, 5, 3, 4] and [1, 3, 4, 5].
        ModelOutput First(int[] map) =>
            Tensor([.. Enumerable.Range(0, 5).SelectMany(c => map.Select(own => own == c ? 1f : -0.5f))], 1, 5, 3, 4);
        ModelOutput Last(int[] map) =>
            Tensor([.. map.SelectMany(own => Enumerable.Range(0, 5).Select(c => own == c ? 1f : -0.5f))], 1, 3, 4, 5);
        var classes = Measured(NetworkTask.Segment, [Classes(expected)], [Classes(actual)]);
        foreach (var layout in (Func<int[], ModelOutput>[])[First, Last])
        {
            var scores = Measured(NetworkTask.Segment, [[layout(expected)]], [[layout(actual)]], (6, 8));
            Assert.Equal((classes.MeanIou, classes.PixelAgreement), (scores.MeanIou, scores.PixelAgreement));
        }
    });

    /// <summary>As many classes as rows: the image's proportions tell which is which.</summary>
    [Theory]
    [InlineData(1, 150, 128, 256, 1)]
    [InlineData(1, 128, 256, 150, 3)]
    [InlineData(1, 21, 65, 129, 1)]
    [InlineData(1, 1, 64, 128, 1)]
    [InlineData(1, 64, 128, 1, 3)]
    public void ChannelsAreTheAxisThatIsNotOfTheImage(int images, int first, int second, int third, int axis) =>
        Assert.Equal(axis, MapLayout.Channels([images, first, second, third], (512, 1024)));

    [Fact]
    public void OneClassIsAThresholdAndItsBackgroundIsNotAveragedIn()
    {
        float[] expected = [0.9f, 0.31f, 0.29f, 0, 0, 0, 0, 0, 0, 0, 0, 0], actual = [0.9f, 0.29f, 0.29f, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        float[] Logits(float[] p) => [.. p.Select(v => v == 0 ? -9 : MathF.Log(v / (1 - v)))];
        foreach (var (reference, own) in new[] { (expected, actual), (Logits(expected), Logits(actual)) })
        {
            var measures = Measured(NetworkTask.Segment, [[Tensor(reference, 1, 1, 3, 4)]], [[Tensor(own, 1, 1, 3, 4)]]);
            Assert.Equal((0.5, 0.3), (measures.MeanIou!.Value, measures.ScoreThreshold!.Value));
            Assert.Equal(11.0 / 12, measures.PixelAgreement!.Value, Rounding);
        }
    }

    [Fact]
    public void AMapOfAnotherSizeIsRefused()
    {
        ModelOutput[][] small = [Classes(new int[12])], large = [[new([1, 6, 4], new float[24], IsInteger: true)]];
        var error = Assert.Throws<CladoException>(() => Measured(NetworkTask.Segment, small, large));
        Assert.Contains("24 places where EvaluationOptions.Reference has 12", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThePercentileOfCosinesIsThatOfTheWorstInAHundred()
    {
        // Angles of 0° to 59.7°, image by image 0.3° more.
        ModelOutput[][] reference = [.. Enumerable.Range(0, 200).Select(_ => new[] { Tensor([1, 0], 1, 2) })];
        ModelOutput[][] own = [.. Enumerable.Range(0, 200).Select(i => i * 0.3f * MathF.PI / 180)
            .Select(angle => new[] { Tensor([3 * MathF.Cos(angle), 3 * MathF.Sin(angle)], 1, 2) })];
        var measures = Measured(NetworkTask.Embed, reference, own);
        Assert.Equal(Math.Cos(197 * 0.3 * Math.PI / 180), measures.EmbeddingCosineLow!.Value, 1e-6);
        Assert.Equal(Enumerable.Range(0, 200).Average(i => Math.Cos(i * 0.3 * Math.PI / 180)), measures.EmbeddingCosine!.Value, 1e-6);
        // Vectors of zeros: alike, and like nothing.
        ModelOutput[][] zero = [[Tensor([0, 0], 1, 2)]], one = [[Tensor([1, 0], 1, 2)]];
        Assert.Equal(1, Measured(NetworkTask.Embed, zero, zero).Value);
        Assert.Equal(0, Measured(NetworkTask.Embed, zero, one).Value);
    }

    [Fact]
    public void TheErrorOfSeveralOutputsIsTheLargestAndPsnrIsThatOfImages()
    {
        ModelOutput[] reference = [Tensor([1, 2, 3, 4], 1, 1, 2, 2), Tensor([100], 1, 1)];
        ModelOutput[] own = [Tensor([1, 2, 3, 4.2f], 1, 1, 2, 2), Tensor([101], 1, 1)];
        var measures = Measured(NetworkTask.Regress, [reference], [own]);
        Assert.Equal(0.2 / Math.Sqrt(30), measures.Value!.Value, 1e-6);
        Assert.Equal(10 * Math.Log10(9 / (0.04 / 4)), measures.Psnr!.Value, 1e-5);
        // An image has the input's proportions.
        Assert.Null(Measured(NetworkTask.Regress, [[Tensor(new float[8], 1, 1, 2, 4)]], [[Tensor(new float[8], 1, 1, 2, 4)]]).Psnr);
    }

    [Fact]
    public void OutputsOfOtherSizesAreCountedAndTheWorstImageIsNamed()
    {
        OutputComparison Of(bool whole, params (float[] Reference, float[] Own)[] images) => OutputComparison.Of(
            "y", whole, [.. images.Select(i => OutputDifference.Of(Tensor(i.Reference), Tensor(i.Own)))],
            [.. images.Select((_, i) => $"{i}.png")]);
        var floats = Of(false, ([1, 1], [1, 1]), ([1, 1], [1, 3]), ([1, 1], [2, 1]));
        Assert.Equal(("1.png", 2.0, null), (floats.WorstImage, floats.LargestDifference, floats.Agreement));
        var whole = Of(true, ([1, 1], [1, 1]), ([1, 1], [1, 3]), ([1, 1], [2, 2]));
        Assert.Equal(("2.png", 0.5, null, null), (whole.WorstImage, whole.Agreement, whole.RelativeError, whole.Cosine));
        var other = Of(false, ([1, 1], [1, 1]), ([1, 1], [1, 1, 1]), ([], [1]));
        Assert.Equal((2, null, null, null), (other.DifferentSizes, other.RelativeError, other.WorstImage, other.LargestDifference));
        Assert.Null(Of(false, ([1, 1], [1, 1])).WorstImage);
    }

    private static TaskMeasures Measured(
        NetworkTask task, ModelOutput[][] reference, ModelOutput[][] own, (int Height, int Width)? image = null)
    {
        string[] names = [.. reference[0].Select((_, i) => $"y{i}")];
        var options = new MeasuredOutputs(names, names.Length) { ScoreThreshold = 0.3, ImageSize = image ?? (2, 2) };
        var comparison = TaskComparison.Of(task, options, reference);
        return comparison.Sum(
            [.. reference.Zip(own, comparison.Compare)],
            [.. names.Select((_, i) => OutputDifference.Sum(reference.Zip(own, (r, o) => OutputDifference.Of(r[i], o[i]))))]);
    }

    private static ModelOutput Tensor(float[] values, params int[] shape) =>
        new(shape.Length > 0 ? shape : [values.Length], values, IsInteger: false);

    private static ModelOutput[] Classes(int[] map) => [new([1, 3, 4], map.Select(c => (float)c).ToArray(), IsInteger: true)];
}
