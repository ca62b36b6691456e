using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// A network's answers as far as its structure tells: outputs that can be compared from image to image, and how they end. In place of an
/// output whose size depends on the image, or that is no float, stands what it follows from.
/// </summary>
internal sealed class Answers
{
    private readonly DataDependence dependence;

    private Answers(Graph graph)
    {
        (Graph, dependence) = (graph, DataDependence.Of(graph));
        string[] outputs = [.. graph.Outputs];
        Unsized = [.. outputs.Where(dependence.InSize)];
        var ends = outputs.Where(graph.Tensors.ContainsKey).Select(output => OutputEnd.Of(graph, output)).ToArray();
        // An output whose largest element is another output holds scores.
        OutputEnd WithIndex(OutputEnd end) => end.Kind != EndKind.Plain ? end
            : ends.FirstOrDefault(index => index.Kind == EndKind.Index && index.Tensor == end.Output) is { } found
                ? found with { Output = end.Output } : end;
        var scores = ends.Where(end => IsFloat(end.Output)).Select(WithIndex).Where(IsScore).ToArray();
        Ends = Unsized.Count > 0 ? [.. dependence.Behind(outputs).Select(Plain)]
            : scores.Length > 0 ? scores
            : [.. outputs.SelectMany(Before).DistinctBy(end => end.Tensor)];
    }

    /// <summary>The network.</summary>
    public Graph Graph { get; }

    /// <summary>What is compared. Shape: [ends].</summary>
    public IReadOnlyList<OutputEnd> Ends { get; }

    /// <summary>Names of the outputs whose size depends on the image. Shape: [outputs].</summary>
    public IReadOnlyList<string> Unsized { get; }

    /// <summary>Looks at a network.</summary>
    /// <param name="graph">The network.</param>
    /// <exception cref="OnnxFormatException">Nothing of it can be compared.</exception>
    public static Answers Of(Graph graph) => Find(graph) ?? throw new OnnxFormatException(
        graph.File,
        $"none of its outputs ({string.Join(", ", graph.Outputs)}) follows from a float tensor that is computed; "
            + "export the model with its logits or boxes as an output");

    /// <summary>Looks at a network; null where nothing of it can be compared.</summary>
    /// <param name="graph">The network.</param>
    public static Answers? Find(Graph graph) => new Answers(graph) is { Ends.Count: > 0 } answers ? answers : null;

    /// <summary>Type and shape of what an end reads.</summary>
    /// <param name="end">One of <see cref="Ends"/>.</param>
    public TensorInfo Info(OutputEnd end) => Graph.Tensors[end.Tensor];

    /// <summary>Whether a tensor is one vector an image.</summary>
    /// <param name="tensor">Its name.</param>
    public bool IsVector(string tensor)
    {
        var info = Graph.Tensors[tensor];
        var own = info.Shape.Skip(Graph.HasFreeBatch || (info.Shape.Count > 1 && info.Shape[0] == 1) ? 1 : 0);
        bool isBatched = info.Batched.Count > 0 && info.Batched[0];
        return isBatched == Graph.HasFreeBatch && !info.Batched.Skip(1).Any(b => b) && own.Count(dim => dim != 1) <= 1
            && info.ElementCount >= 1;
    }

    /// <summary>
    /// The end that is one vector an image: the only end, or the one that follows from all others, as scores follow from features.
    /// Null where there is none.
    /// </summary>
    public OutputEnd? Vector()
    {
        var last = Ends.Count == 1 ? Ends[0] : Ends.FirstOrDefault(end => Ends.All(other => other == end || Follows(end, other)));
        return last is not null && IsVector(last.Tensor) ? last : null;
    }

    /// <summary>An output in words.</summary>
    /// <param name="tensor">Its name.</param>
    public string Describe(string tensor) => $"'{tensor}' {ShapeText.Of(Graph.Tensors[tensor].Shape)}";

    /// <summary>Whether an output is the scores themselves, not the largest of them in their order.</summary>
    private static bool IsScore(OutputEnd end) => end.Kind != EndKind.Index || end.Tensor == end.Output;

    private static OutputEnd Plain(string tensor) => new(tensor, EndKind.Plain, null) { Tensor = tensor };

    /// <summary>An index is the answer to scores: these are read. Else the last floats before it.</summary>
    private IEnumerable<OutputEnd> Before(string output)
    {
        var end = OutputEnd.Of(Graph, output);
        return end.Kind is EndKind.Index or EndKind.Sigmoid && dependence.IsComparable(end.Tensor)
            ? [end]
            : dependence.Behind([output]).Select(Plain);
    }

    private bool Follows(OutputEnd end, OutputEnd other) =>
        Graph.Producer(other.Tensor) is >= 0 and var made && Graph.Walk.Behind([end.Tensor], new HashSet<string>()).Contains(made);

    private bool IsFloat(string output) => Graph.Tensors[output].Type == DataType.Float;
}
