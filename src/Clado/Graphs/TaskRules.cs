using static System.FormattableString;

namespace Clado.Graphs;

/// <summary>What a network is for, as far as its structure tells: the first rule that says something decides.</summary>
internal static class TaskRules
{
    // So few values without a Softmax may be classes as well as angles.
    private const int FewValues = 4;

    // Features come in multiples of this, at least twice it; classes hardly ever do.
    private const int FeatureUnit = 64;

    private static readonly Func<Answers, TaskDecision?>[] Rules =
    [
        DetectionShapes.Decide, Classes, ClassesOfMaps, Vectors, Maps,
    ];

    // Behind these, values are neither shares nor of length 1 by accident.
    private static readonly HashSet<string> Linear =
    [
        "Gemm", "MatMul", "Conv", "Add", "Sub", "Relu", "GlobalAveragePool", "AveragePool", "ReduceMean", "GlobalMaxPool", "MaxPool",
    ];

    /// <summary>Decides.</summary>
    /// <param name="answers">The network's answers.</param>
    public static TaskDecision Decide(Answers answers) =>
        Rules.Select(rule => rule(answers)).FirstOrDefault(decision => decision is not null)
        ?? new TaskDecision(NetworkTask.Regress, Others(answers));

    /// <summary>Whether so many values are a usual width of features.</summary>
    /// <param name="count">Number of values.</param>
    public static bool IsFeatureWidth(int count) => count >= 2 * FeatureUnit && count % FeatureUnit == 0;

    /// <summary>Whether so few values may be classes as well as quantities.</summary>
    /// <param name="count">Number of values.</param>
    public static bool IsFew(int count) => count is > 1 and <= FewValues;

    /// <summary>One vector an image that ends in what scores of classes end in.</summary>
    private static TaskDecision? Classes(Answers answers)
    {
        if (answers.Vector() is not { Kind: EndKind.Softmax or EndKind.Index or EndKind.Sigmoid } end)
        {
            return null;
        }
        long count = answers.Info(end).ElementCount;
        string read = $"and '{end.Tensor}' in front of it is read{Beside(answers, end)}";
        return (end.Kind, count) switch
        {
            (EndKind.Sigmoid, 1) => new(
                NetworkTask.Classify, $"its output {answers.Describe(end.Output)} ends in a Sigmoid of one value, yes or no, {read}"),
            (EndKind.Sigmoid, _) => new(
                NetworkTask.Classify, $"its output '{end.Output}' ends in a Sigmoid, each of {count} classes right or wrong, {read}")
            {
                IsCertain = false,
            },
            (_, > 1) => new(
                NetworkTask.Classify, Invariant($"its output '{end.Output}' ends in {end.Node!.OpType} over {count} classes, {read}")),
            _ => null,
        };
    }

    /// <summary>Scores of classes at many places.</summary>
    private static TaskDecision? ClassesOfMaps(Answers answers)
    {
        if (answers.Ends.Any(end => end.Kind is not (EndKind.Softmax or EndKind.Index)) || ClassMaps.Of(answers) is not { } maps)
        {
            return null;
        }
        var end = answers.Ends[0];
        long places = answers.Info(end).ElementCount / maps[0].Classes.Count;
        return new(NetworkTask.Segment, Invariant($"its output '{end.Output}' ends in {end.Node!.OpType} over {maps[0].Classes.Count} ")
            + Invariant($"classes at each of {places:N0} places, and '{maps[0].Tensor}' in front of it is read"));
    }

    /// <summary>One vector an image that ends otherwise.</summary>
    private static TaskDecision? Vectors(Answers answers)
    {
        if (answers.Vector() is not { } end)
        {
            return null;
        }
        int count = checked((int)answers.Info(end).ElementCount);
        var (output, beside) = ($"its output {answers.Describe(end.Output)}", Beside(answers, end));
        string last = end.Node?.OpType ?? "nothing";
        return end.Kind switch
        {
            EndKind.UnitLength => new(NetworkTask.Embed, $"{output} is a vector that is divided by its length{beside}"),
            EndKind.Normalized => new(NetworkTask.Embed, $"{output} is a vector that ends in a {last}, as features do{beside}")
            {
                IsCertain = false,
            },
            _ when count == 1 => new(NetworkTask.Regress, $"{output} is one value, and no Sigmoid makes it yes or no{beside}")
            {
                IsCertain = false,
            },
            _ when IsFew(count) => Plain("which may be classes or quantities"),
            _ when IsFeatureWidth(count) => Plain("which may be classes or features"),
            _ => Plain("as scores of classes are") with { IsCertain = end.Node is { } node && Linear.Contains(node.OpType) },
        };

        TaskDecision Plain(string what) =>
            new(NetworkTask.Classify, $"{output} is one vector an image without a Softmax, {what}{beside}") { IsCertain = false };
    }

    /// <summary>Maps, which may hold classes or pixels.</summary>
    private static TaskDecision? Maps(Answers answers)
    {
        if (ClassMaps.Of(answers) is not { } maps)
        {
            return null;
        }
        var (end, count) = (answers.Ends[0], maps[0].Classes.Count);
        string output = $"its output {answers.Describe(end.Output)}";
        return end.Kind == EndKind.Sigmoid
            ? new(NetworkTask.Segment, $"{output} ends in a Sigmoid at every place, and '{maps[0].Tensor}' is read")
            {
                IsCertain = false,
            }
            : new(NetworkTask.Regress, Invariant($"{output} is a map of {count} channels without a Softmax, which may be classes"))
            {
                IsCertain = false,
            };
    }

    private static string Others(Answers answers)
    {
        var outputs = string.Join(", ", answers.Ends.Select(end => answers.Describe(end.Output)));
        var unsized = answers.Unsized.Count == 0 ? ""
            : $" ({string.Join(", ", answers.Unsized)}, whose size depends on the image, cannot be compared)";
        return answers.Ends.Count == 1
            ? $"what it answers with, {outputs}{unsized}, is neither scores of classes nor boxes nor an embedding"
            : $"what it answers with, {outputs}{unsized}, are neither scores of one set of classes nor boxes nor an embedding";
    }

    private static string Beside(Answers answers, OutputEnd end)
    {
        var others = string.Join(", ", answers.Ends.Where(other => other != end).Select(other => answers.Describe(other.Output)));
        return answers.Ends.Count == 1 ? "" : $"; {others} beside it is what it follows from, and not compared";
    }
}
