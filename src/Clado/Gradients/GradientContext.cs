using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients;

/// <summary>The graph that is being differentiated: shapes and constants of its tensors, and room for new nodes.</summary>
internal sealed class GradientContext
{
    private readonly ShapeArithmetic arithmetic;

    /// <summary>Begins with the nodes of a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="model">The part of it that runs, which grows.</param>
    public GradientContext(Graph graph, ModelProto model)
    {
        (Graph, Model) = (graph, model);
        Nodes = new NodeWriter(model.Graph, GraphWalk.Names(graph.Model.Graph));
        arithmetic = new ShapeArithmetic(graph);
    }

    public Graph Graph { get; }

    public ModelProto Model { get; }

    public NodeWriter Nodes { get; }

    public string File => Graph.File;

    /// <summary>A tensor of the graph.</summary>
    public Value Of(string tensor) => new(Nodes, tensor);

    /// <summary>Type and shape of a tensor of the graph.</summary>
    /// <exception cref="OnnxFormatException">It is a sequence.</exception>
    public TensorInfo Info(string tensor) =>
        Graph.Initializers.TryGetValue(tensor, out var constant)
            ? new TensorInfo((DataType)constant.DataType, [.. constant.Dims], new bool[constant.Dims.Count])
            : Graph.Tensors.GetValueOrDefault(tensor)
                ?? throw new OnnxFormatException(File, "is a sequence, through which no gradient goes", tensor: tensor);

    /// <summary>Element type of a tensor; null of a sequence.</summary>
    public DataType? Type(string tensor) =>
        Graph.Initializers.TryGetValue(tensor, out var constant)
            ? (DataType)constant.DataType : Graph.Tensors.GetValueOrDefault(tensor)?.Type;

    /// <summary>Values of an integer tensor that do not depend on the images; null where they do. Shape: [elements].</summary>
    public long[]? Integers(string tensor) => arithmetic.Find(tensor);

    /// <summary>Values of a float constant; null where the tensor is none. Shape: [elements].</summary>
    public float[]? Singles(string tensor) =>
        Graph.Initializers.TryGetValue(tensor, out var constant) && (DataType)constant.DataType == DataType.Float
            ? TensorData.ReadSingles(File, constant) : null;

    /// <summary>The value in the shape of a tensor of as many elements.</summary>
    public Value Reshape(Value value, string like)
    {
        var info = Info(like);
        return info.Batched.Count(batched => batched) <= 1 && !info.Shape.Contains(0)
            ? value.Reshape([.. info.Shape.Zip(info.Batched, (dim, batched) => batched ? -1 : dim)])
            : value.Then("Reshape", Of(like).Shape());
    }

    /// <summary>The value repeated along axes where it has length one, in the shape of a tensor of the same rank.</summary>
    /// <param name="value">What is repeated.</param>
    /// <param name="like">The tensor.</param>
    /// <param name="axes">The axes. Shape: [axes].</param>
    public Value Expand(Value value, string like, IReadOnlyCollection<long> axes)
    {
        var info = Info(like);
        return axes.Any(axis => info.Batched[(int)axis])
            ? value.Then("Expand", Of(like).Shape())
            : value.Then("Expand", Nodes.Integers([.. info.Shape.Select((dim, axis) => axes.Contains(axis) ? dim : 1)]));
    }

    /// <summary>The value summed over what broadcasting repeated.</summary>
    /// <param name="value">Of the shape <paramref name="from"/>.</param>
    /// <param name="from">What was broadcast to.</param>
    /// <param name="to">What was broadcast.</param>
    public static Value Reduce(Value value, TensorInfo from, TensorInfo to)
    {
        int extra = from.Shape.Count - to.Shape.Count;
        var repeated = Enumerable.Range(extra, to.Shape.Count).Where(axis => IsRepeated(from, axis, to, axis - extra));
        return value.Sum([.. repeated.Select(axis => (long)axis)]).SumAway([.. Enumerable.Range(0, extra).Select(axis => (long)axis)]);
    }

    /// <summary>Whether broadcasting repeats an axis.</summary>
    public static bool IsRepeated(TensorInfo from, int axis, TensorInfo to, int own) =>
        to.Shape[own] == 1 && !to.Batched[own] && (from.Shape[axis] != 1 || from.Batched[axis]);

    /// <summary>What two shapes broadcast to.</summary>
    public static TensorInfo Broadcast(TensorInfo a, TensorInfo b)
    {
        int rank = Math.Max(a.Shape.Count, b.Shape.Count);
        var (shape, batched) = (new long[rank], new bool[rank]);
        for (int axis = 0; axis < rank; axis++)
        {
            int own = axis - rank + a.Shape.Count, other = axis - rank + b.Shape.Count;
            var (dim, free) = own < 0 ? (1, false) : (a.Shape[own], a.Batched[own]);
            var (second, alsoFree) = other < 0 ? (1, false) : (b.Shape[other], b.Batched[other]);
            (shape[axis], batched[axis]) = (dim == 1 ? second : dim, free || alsoFree);
        }
        return new TensorInfo(a.Type, shape, batched);
    }

    /// <summary>An error at a node.</summary>
    public OnnxFormatException Error(NodeProto node, string problem, string? tensor = null) =>
        new(File, problem, node.DisplayName(), tensor);
}
