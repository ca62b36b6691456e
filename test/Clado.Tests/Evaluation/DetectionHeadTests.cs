using Clado.Evaluation.Detection;
using Clado.Evaluation.Measures;
using Clado.Graphs;
using Clado.Inference;
using Xunit;

namespace Clado.Tests.Evaluation;

/// <summary>The same detections, written in every way that exporters write them, are read as the same.</summary>
public class DetectionHeadTests
{
    private const double Threshold = 0.3;
    private const int Images = 4, Places = 60, Classes = 3;

    // Of sums and quotients in single precision.
    private const float SinglePrecision = 1e-4f;

    /// <summary>Ways to write boxes, scores [places, classes] and what they come to. The name says where it is usual.</summary>
    public static TheoryData<string> Heads => [.. Writers.Keys];

    private static Dictionary<string, Func<Scene, (string[] Names, ModelOutput[] Outputs)>> Writers { get; } = new()
    {
        ["ssd: corners, softmax with background"] = s => Two(s, Corners, s.Places.Select(p => WithBackground(p)), Classes + 1),
        ["ssd: corners, logits with background"] = s =>
            Two(s, Corners, s.Places.Select(p => WithBackground(p).Select(v => MathF.Log(v) + 5).ToArray()), Classes + 1),
        ["ssd: background last"] = s => Two(s, Corners, s.Places.Select(p => p.Scores.Append(Rest(p)).ToArray()), Classes + 1),
        ["scores first"] = s => Swapped(Two(s, Corners, s.Places.Select(p => WithBackground(p)), Classes + 1)),
        ["sigmoid, centres"] = s => Two(s, Centres, s.Places.Select(p => p.Scores), Classes),
        ["sigmoid, logits"] = s => Two(s, Centres, s.Places.Select(p => p.Scores.Select(Logit).ToArray()), Classes),
        ["classes first"] = s => (["boxes", "scores"],
            [Tensor([1, Places, 4], s.Places.SelectMany(Corners)), Transposed(s.Places.Select(p => p.Scores), Classes)]),
        ["pixels"] = s => Two(s, p => [.. Corners(p).Select(v => 640 * v)], s.Places.Select(p => p.Scores), Classes),
        ["yolo: objectness"] = s => One(s, p => [.. Centres(p), Objectness(p), .. p.Scores.Select(v => v / Objectness(p))]),
        ["yolo: objectness, logits"] = s =>
            One(s, p => [.. Centres(p), Logit(Objectness(p)), .. p.Scores.Select(v => Logit(v / Objectness(p)))]),
        ["yolo: no objectness, transposed"] = s =>
            (["output0"], [Transposed(s.Places.Select(p => (float[])[.. Centres(p), .. p.Scores]), 4 + Classes)]),
        ["yolo: masks behind the scores"] = s =>
            (["output0"], [Transposed(s.Places.Select(p => (float[])[.. Centres(p), .. p.Scores, -3, 2, 5]), 7 + Classes)]),
        ["listed: box, score, class"] = s => Listed(s, d => [.. Of(d.Box), d.Score, d.Class]),
        ["listed: class, score, box"] = s => Listed(s, d => [d.Class, d.Score, .. Of(d.Box)]),
        ["listed: image, class, score, box"] = s => Listed(s, d => [0, d.Class, d.Score, .. Of(d.Box)]),
        ["listed: image, box, class, score"] = s => Listed(s, d => [0, .. Of(d.Box), d.Class, d.Score]),
        ["listed: filled up"] = s =>
        {
            float[] rows = [.. s.Found.SelectMany(d => (float[])[.. Of(d.Box), d.Score, d.Class])];
            return (["detections"], [Tensor([1, 100, 6], rows.Concat(new float[600 - rows.Length]))]);
        },
        ["torchvision"] = s => (["boxes", "labels", "scores"],
        [
            Tensor([s.Found.Count, 4], s.Found.SelectMany(d => Of(d.Box))),
            Tensor([s.Found.Count], s.Found.Select(d => (float)d.Class)) with { IsInteger = true },
            Tensor([s.Found.Count], s.Found.Select(d => d.Score)),
        ]),
        ["tensorflow"] = s => (["num", "detection_scores", "detection_classes", "detection_boxes"],
        [
            Tensor([1], [s.Found.Count]),
            Tensor([1, s.Found.Count], s.Found.Select(d => d.Score)),
            Tensor([1, s.Found.Count], s.Found.Select(d => (float)d.Class)),
            Tensor([1, s.Found.Count, 4], s.Found.SelectMany(d => Of(d.Box))),
        ]),
    };

    [Theory]
    [MemberData(nameof(Heads))]
    public void EveryWayToWriteDetectionsIsReadAsTheSame(string way)
    {
        Scene[] scenes = [.. Enumerable.Range(1, Images).Select(seed => new Scene(seed))];
        var written = scenes.Select(Writers[way]).ToArray();
        var head = new HeadFinder(written[0].Names, [.. written.Select(w => w.Outputs)]).Find(null);
        Assert.NotNull(head);
        foreach (var (scene, (_, outputs)) in scenes.Zip(written))
        {
            var found = head.Read(outputs, Threshold);
            Assert.True(scene.Found.Count == found.Count, head.Description);
            // A background in front counts; which numbers classes have does not matter to what is compared.
            int offset = found.Min(d => d.Class) - scene.Found.Min(d => d.Class);
            foreach (var expected in scene.Found)
            {
                var actual = found.MinBy(d => Math.Abs(d.Score - expected.Score));
                Assert.Equal(expected.Score, actual.Score, SinglePrecision);
                Assert.Equal(expected.Class, actual.Class - offset);
                Assert.InRange(Scaled(actual.Box, way == "pixels" ? 640 : 1).Overlap(expected.Box), 1 - SinglePrecision, 1);
            }
        }
    }

    [Fact]
    public void WhatNonMaxSuppressionSelectsIsReadWithWhatItTakes()
    {
        var scene = new Scene(1);
        int[] selected = [.. scene.Found.SelectMany(d => (int[])[0, d.Class, scene.PlaceOf(d)])];
        ModelOutput[] outputs =
        [
            Tensor([scene.Found.Count, 3], selected.Select(i => (float)i)) with { IsInteger = true },
            Tensor([1, Places, 4], scene.Places.SelectMany(Corners)),
            Transposed(scene.Places.Select(p => p.Scores), Classes),
        ];
        var head = new HeadFinder(["selected", "b", "s"], [outputs]).Find(new Selection(0, 1, 2, HasCentres: false))!;
        Assert.Equal(scene.Found.OrderBy(d => d.Score), head.Read(outputs, Threshold).OrderBy(d => d.Score));
    }

    /// <summary>Offsets from anchors are no boxes: this is said, and the error is given instead.</summary>
    [Fact]
    public void OffsetsFromAnchorsAreNotTakenForBoxes()
    {
        var random = new Random(1);
        float Offset() => (float)((random.NextDouble() * 4) - 2);
        ModelOutput[] image =
        [
            Tensor([1, Places, 4], Enumerable.Range(0, Places * 4).Select(_ => Offset())),
            Tensor([1, Places, 2], Enumerable.Range(0, Places * 2).Select(_ => Offset())),
        ];
        var comparison = TaskComparison.Of(NetworkTask.Detect, new(["boxes", "scores"], 2) { ScoreThreshold = Threshold }, [image]);
        var measures = comparison.Sum([comparison.Compare(image, image)], [.. image.Select(o => OutputDifference.Of(o, o))]);
        Assert.Equal((Clado.Evaluation.MeasureKind.RelativeError, 0.0), (measures.Measure, measures.Value));
        Assert.Contains("offsets from anchors", measures.ReadAs, StringComparison.Ordinal);
        // A raw map is none either.
        ModelOutput[] map = [Tensor([1, 24, 6, 6], Enumerable.Range(0, 24 * 36).Select(_ => Offset()))];
        Assert.Null(new HeadFinder(["map"], [map]).Find(null));
    }

    [Fact]
    public void ADetectorThatFindsNothingSaysSo()
    {
        ModelOutput[] image = [Tensor([1, 0, 6], [])];
        var comparison = TaskComparison.Of(NetworkTask.Detect, new(["found"], 1) { ScoreThreshold = Threshold }, [image]);
        var measures = comparison.Sum([comparison.Compare(image, image)], [OutputDifference.Of(image[0], image[0])]);
        Assert.Equal((null, 0L), (measures.Value, measures.ReferenceDetections));
        Assert.Contains("detects nothing", measures.ReadAs, StringComparison.Ordinal);
    }

    private static ModelOutput Tensor(int[] shape, IEnumerable<float> values) => new(shape, values.ToArray(), IsInteger: false);

    private static ModelOutput Transposed(IEnumerable<float[]> rows, int columns)
    {
        float[][] all = [.. rows];
        return Tensor([1, columns, all.Length], Enumerable.Range(0, columns).SelectMany(c => all.Select(row => row[c])));
    }

    private static (string[], ModelOutput[]) Two(Scene s, Func<Place, float[]> box, IEnumerable<float[]> scores, int classes) =>
        (["boxes", "scores"], [Tensor([1, Places, 4], s.Places.SelectMany(box)), Tensor([1, Places, classes], scores.SelectMany(v => v))]);

    private static (string[], ModelOutput[]) Swapped((string[] Names, ModelOutput[] Outputs) two) =>
        ([.. two.Names.Reverse()], [.. two.Outputs.Reverse()]);

    private static (string[], ModelOutput[]) One(Scene s, Func<Place, float[]> row) =>
        (["output"], [Tensor([1, Places, row(s.Places[0]).Length], s.Places.SelectMany(row))]);

    private static (string[], ModelOutput[]) Listed(Scene s, Func<Detection, float[]> row) =>
        (["output"], [Tensor([1, s.Found.Count, row(s.Found[0]).Length], s.Found.SelectMany(row))]);

    private static float[] Of(Box box) => [box.Left, box.Top, box.Right, box.Bottom];

    private static float[] Corners(Place place) => Of(place.Box);

    private static float[] Centres(Place p) =>
        [(p.Box.Left + p.Box.Right) / 2, (p.Box.Top + p.Box.Bottom) / 2, p.Box.Right - p.Box.Left, p.Box.Bottom - p.Box.Top];

    private static float[] WithBackground(Place place) => [Rest(place), .. place.Scores];

    private static float Rest(Place place) => 1 - place.Scores.Sum();

    private static float Objectness(Place place) => Math.Min(1, place.Scores.Max() * 1.05f);

    private static float Logit(float p) => MathF.Log(Math.Min(p, 0.9999f) / (1 - Math.Min(p, 0.9999f)));

    private static Box Scaled(Box box, float by) => new(box.Left / by, box.Top / by, box.Right / by, box.Bottom / by);

    /// <summary>A place that a network looks at.</summary>
    private sealed record Place(Box Box, float[] Scores);

    /// <summary>An image with some objects, far enough from one another that none is suppressed.</summary>
    private sealed class Scene
    {
        public Scene(int seed)
        {
            var random = new Random(seed);
            Places = [.. Enumerable.Range(0, DetectionHeadTests.Places).Select(i =>
            {
                float x = i % 10 / 10f, y = i / 10 / 10f;
                var box = new Box(x, y, x + 0.05f + (0.04f * (float)random.NextDouble()), y + 0.05f + (0.04f * (float)random.NextDouble()));
                float[] scores = [.. Enumerable.Range(0, Classes).Select(_ => 0.001f + (0.01f * (float)random.NextDouble()))];
                // An object of each class, and of some more.
                if (i % 13 == 0)
                {
                    scores[i / 13 % Classes] = 0.5f + (0.4f * (float)random.NextDouble());
                }
                return new Place(box, scores);
            })];
            Found = [.. Places.Where(p => p.Scores.Max() >= Threshold)
                .Select(p => new Detection(p.Box, p.Scores.Max(), Array.IndexOf(p.Scores, p.Scores.Max())))];
        }

        public Place[] Places { get; }

        public IReadOnlyList<Detection> Found { get; }

        public int PlaceOf(Detection detection) => Array.FindIndex(Places, p => p.Box == detection.Box);
    }
}
