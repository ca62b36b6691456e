using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>Where a network's answer is read, and as what.</summary>
/// <param name="Outputs">Names of the float tensors to read. Shape: [outputs].</param>
/// <param name="ElementCounts">Elements an image of each. Shape: [outputs].</param>
/// <param name="Decision">What the network is for, and why.</param>
internal sealed record Readout(IReadOnlyList<string> Outputs, IReadOnlyList<int> ElementCounts, TaskDecision Decision)
{
    /// <summary>What the network is for.</summary>
    public NetworkTask Task => Decision.Task;

    /// <summary>How the elements of each output are scores of classes; null where they are none. Shape: [outputs].</summary>
    public IReadOnlyList<ClassLayout>? Classes { get; init; }

    /// <summary>Whether the answer is one set of scores of classes an image.</summary>
    public bool IsClassifier => Task == NetworkTask.Classify;

    /// <summary>Elements an image of all outputs together.</summary>
    public int ElementCount => ElementCounts.Sum();

    /// <summary>Classes of a classifier: two of one that says yes or no.</summary>
    public int ClassCount => IsBinary ? 2 : ElementCount;

    /// <summary>Whether the answer is one value that says yes or no.</summary>
    public bool IsBinary => IsClassifier && ElementCount == 1;

    /// <summary>Whether one class of each image is right, so that labels have a cross-entropy.</summary>
    public bool HasOneRightClass => IsBinary || (IsClassifier && Classes is [{ IsExclusive: true }]);

    /// <summary>
    /// Finds where to read, as what the network was decided to be for, or else its structure says. Where an output is a Softmax or a
    /// Sigmoid of scores, or an index of the largest, the scores are read, since losses are defined on them. What has another size for
    /// every image, and what is no float, follows from tensors before it, which are read.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <exception cref="OnnxFormatException">Nothing of it can be compared, or not as what it was said to be for.</exception>
    public static Readout Of(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var answers = Answers.Of(graph);
        var decision = graph.Decision ?? TaskRules.Decide(answers);
        return decision.Task switch
        {
            NetworkTask.Classify => Classifier(answers, decision),
            NetworkTask.Segment => Segmenter(answers, decision),
            NetworkTask.Embed => Embedder(answers, decision),
            NetworkTask.Detect when answers.Ends.All(end => answers.IsVector(end.Tensor)) =>
                throw Contradiction(answers, "detect", "boxes and scores at many places"),
            _ => Reading(answers, decision, [.. answers.Ends.Select(Whole)]),
        };
    }

    /// <summary>The nodes that what is read depends on; all where nothing can be.</summary>
    /// <param name="graph">The network.</param>
    /// <returns>Indices. Shape: [nodes].</returns>
    public static IReadOnlySet<int> NodesBefore(Graph graph) => Answers.Find(graph) is null
        ? Enumerable.Range(0, graph.Nodes.Count).ToHashSet()
        : Of(graph).NodesIn(graph);

    /// <summary>The nodes of a graph that what is read depends on.</summary>
    /// <param name="graph">The network.</param>
    /// <returns>Indices. Shape: [nodes].</returns>
    public IReadOnlySet<int> NodesIn(Graph graph) => graph.Walk.Behind(Outputs, new HashSet<string>()).ToHashSet();

    /// <summary>
    /// The same in a model as its file has it: a tensor that only a raised graph has is the one before it, but for its shape.
    /// </summary>
    /// <param name="graph">The graph that the model was raised to.</param>
    /// <param name="model">The model.</param>
    public Readout In(Graph graph, ModelProto model)
    {
        var made = model.Graph.Node.SelectMany(node => node.Output).ToHashSet();
        return Outputs.All(made.Contains) ? this : this with
        {
            Outputs = [.. Outputs.Select(name => ShapeOnly.Source(graph, name, made.Contains))],
        };
    }

    private static Readout Classifier(Answers answers, TaskDecision decision)
    {
        if (answers.Vector() is not { } end)
        {
            throw Contradiction(answers, "classify", "one vector of scores an image");
        }
        bool isScaled = end.Kind is EndKind.Softmax or EndKind.Sigmoid or EndKind.Index;
        var reading = Reading(answers, decision, [isScaled && !decision.HoldsProbabilities ? end.Tensor : Whole(end)]);
        bool isExclusive = end.Kind != EndKind.Sigmoid && reading.ElementCount > 1;
        return reading with { Classes = [new ClassLayout(reading.ElementCount, 1, isExclusive)] };
    }

    private static Readout Segmenter(Answers answers, TaskDecision decision)
    {
        var maps = ClassMaps.Of(answers, isGiven: true)
            ?? throw Contradiction(answers, "segment", "scores of classes at every place of a map");
        return Reading(answers, decision, [.. maps.Select(map => map.Tensor)]) with { Classes = [.. maps.Select(map => map.Classes)] };
    }

    private static Readout Embedder(Answers answers, TaskDecision decision) =>
        answers.Vector() is { } end && answers.Info(end).ElementCount > 1
            ? Reading(answers, decision, [Whole(end)])
            : throw Contradiction(answers, "embed", "one vector an image");

    /// <summary>What is read of an end as it is: the output, or what stands for it.</summary>
    private static string Whole(OutputEnd end) => end.Kind == EndKind.Index ? end.Tensor : end.Output;

    private static Readout Reading(Answers answers, TaskDecision decision, string[] tensors) =>
        new(tensors, [.. tensors.Select(name => checked((int)answers.Graph.Tensors[name].ElementCount))], decision);

    private static OnnxFormatException Contradiction(Answers answers, string task, string wanted)
    {
        var outputs = string.Join(", ", answers.Ends.Select(end => answers.Describe(end.Tensor)));
        return new OnnxFormatException(
            answers.Graph.File,
            $"{Settings.Task} {task} wants {wanted}; this network answers with {outputs}; leave the task out, or give another");
    }
}
