using Clado.Onnx;
using static System.FormattableString;

namespace Clado.Graphs;

/// <summary>Knows detectors by the shapes of what they answer.</summary>
internal static class DetectionShapes
{
    // Corners, or centre and size.
    private const int BoxValues = 4;

    // A few rows of four values are no boxes.
    private const int LeastBoxes = 5;

    // Anchors at a place.
    private const int MostAnchors = 9;

    // Steps of the maps that predictions are made on, in pixels.
    private static readonly int[][] Steps = [[8, 16, 32], [16, 32], [8, 16, 32, 64], [4, 8, 16, 32], [8, 16, 32, 64, 128], [32], [16], [8]];

    /// <summary>Detection, or null.</summary>
    /// <param name="answers">The network's answers.</param>
    public static TaskDecision? Decide(Answers answers) => Suppression(answers) ?? Boxes(answers) ?? Places(answers) ?? Pyramid(answers);

    private static TaskDecision? Suppression(Answers answers)
    {
        var graph = answers.Graph;
        var behind = graph.Walk.Behind(graph.Outputs, new HashSet<string>()).Select(i => graph.Nodes[i]);
        if (GraphWalk.AtEveryDepth(behind).FirstOrDefault(n => n.Is("NonMaxSuppression")) is not { } node)
        {
            return null;
        }
        var names = string.Join(", ", answers.Ends.Select(end => answers.Describe(end.Tensor)));
        string read = answers.Unsized.Count == 0 ? "" : $", and what has the same size for every image before it is read: {names}";
        return new(NetworkTask.Detect, $"'{node.DisplayName()}' (NonMaxSuppression) picks boxes{read}");
    }

    private static TaskDecision? Boxes(Answers answers)
    {
        long[] Dims(OutputEnd end) => [.. answers.Info(end).Shape.Skip(1)];
        var boxes = answers.Ends.FirstOrDefault(end => Dims(end) is [>= LeastBoxes, BoxValues] or [BoxValues, >= LeastBoxes]);
        if (boxes is null)
        {
            return null;
        }
        long count = Dims(boxes).Max();
        var scores = answers.Ends.FirstOrDefault(end => end != boxes && Dims(end) is { Length: 1 or 2 } dims && dims.Contains(count));
        return scores is null ? null : new(NetworkTask.Detect,
            $"its outputs {answers.Describe(boxes.Output)} and {answers.Describe(scores.Output)} are boxes and their scores");
    }

    /// <summary>One output with a row for each place of the usual maps: a box, and scores.</summary>
    private static TaskDecision? Places(Answers answers)
    {
        if (answers.Ends is not [var end] || answers.Info(end).Shape is not [1, var a, var b]
            || Math.Min(a, b) <= BoxValues || answers.Graph.InputShape.Size is not var (height, width))
        {
            return null;
        }
        long rows = Math.Max(a, b);
        bool IsOf(int[] steps)
        {
            long places = steps.Sum(step => (long)((height + step - 1) / step) * ((width + step - 1) / step));
            return rows % places == 0 && rows / places <= MostAnchors;
        }
        return Steps.FirstOrDefault(IsOf) is { } found
            ? new(NetworkTask.Detect, Invariant($"its output {answers.Describe(end.Output)} has {rows:N0} rows, ")
                + $"as many as there are boxes at every {string.Join(", ", found)} pixels")
            : null;
    }

    /// <summary>Maps of the same channels at sizes that halve.</summary>
    private static TaskDecision? Pyramid(Answers answers)
    {
        var infos = answers.Ends.Select(answers.Info).OrderByDescending(info => info.ElementCount).ToArray();
        bool IsHalf(IReadOnlyList<long> large, IReadOnlyList<long> small) => large.Count >= 4 && large.Count == small.Count
            && large.Zip(small).Count(d => d.First != d.Second) == 2
            && large.Zip(small).All(d => d.First == d.Second || d.First / 2 == d.Second || (d.First + 1) / 2 == d.Second);
        return infos.Length >= 2 && infos.Zip(infos.Skip(1)).All(pair => IsHalf(pair.First.Shape, pair.Second.Shape))
            ? new(NetworkTask.Detect, $"its {infos.Length} outputs are maps of the same channels at sizes that halve") { IsCertain = false }
            : null;
    }
}
