using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients;

/// <summary>
/// Integers that a graph computes of shapes alone: axes, sizes and places that an exporter wrote as nodes. Those that are the same for
/// one image and for two are constants here.
/// </summary>
internal sealed class ShapeArithmetic
{
    // Tables of places are larger than lists of axes and sizes, and smaller than this.
    private const long MostElements = 1L << 20;

    private readonly Graph graph;
    private readonly Lazy<Dictionary<string, long[]>> computed;

    public ShapeArithmetic(Graph graph)
    {
        this.graph = graph;
        computed = new(Compute);
    }

    /// <summary>A tensor's values, row-major; null where they depend on the images or their number. Shape: [elements].</summary>
    public long[]? Find(string tensor) =>
        graph.Initializers.TryGetValue(tensor, out var constant)
            ? (DataType)constant.DataType is DataType.Int64 or DataType.Int32 ? TensorData.ReadIntegers(graph.File, constant) : null
            : computed.Value.GetValueOrDefault(tensor);

    private Dictionary<string, long[]> Compute()
    {
        var part = GraphPart.Shell(graph.Model);
        var known = graph.Initializers.Keys.ToHashSet();
        var shapes = new List<NodeProto>();
        foreach (var node in graph.Nodes.Where(node => node.IsStandard() && node.Operands().Count > 0))
        {
            if (node.OpType is "Shape" or "Size" && graph.Tensors.ContainsKey(node.Operand(0)))
            {
                shapes.Add(node);
                known.UnionWith(node.Output);
            }
            else if (GraphWalk.Reads(node).All(known.Contains) && !node.OpType.StartsWith("Random", StringComparison.Ordinal))
            {
                part.Graph.Node.Add(node);
                known.UnionWith(node.Output);
            }
        }
        var made = shapes.Concat(part.Graph.Node).SelectMany(node => node.Output).Where(IsWanted).ToArray();
        if (made.Length == 0)
        {
            return [];
        }
        var read = part.Graph.Node.SelectMany(GraphWalk.Reads).ToHashSet();
        part.Graph.Initializer.Add(graph.Model.Graph.Initializer.Where(tensor => read.Contains(tensor.Name)));
        part.Graph.Output.Add(made.Select(name => new ValueInfoProto { Name = name }));
        var one = Run(part, shapes, 1);
        var two = graph.HasFreeBatch ? Run(part, shapes, 2) : one;
        return one.Where(pair => pair.Value.AsSpan().SequenceEqual(two[pair.Key])).ToDictionary();
    }

    private bool IsWanted(string tensor) =>
        graph.Tensors.TryGetValue(tensor, out var info) && info.Type is DataType.Int64 or DataType.Int32
        && graph.Tensors[tensor].ElementCount <= MostElements;

    private Dictionary<string, long[]> Run(ModelProto part, List<NodeProto> shapes, int images)
    {
        var model = part.Clone();
        model.Graph.Node.Clear();
        model.Graph.Node.Add(shapes.Select(node => ShapeConstant(node, images)));
        model.Graph.Node.Add(part.Graph.Node);
        using var session = new GraphSession(model, graph.File, GraphOptimizationLevel.ORT_DISABLE_ALL);
        using var values = session.Run(_ => throw new InvalidOperationException("Constants have no inputs."));
        return session.Outputs.Zip(values).ToDictionary(output => output.First, output => Integers(output.Second));
    }

    /// <summary>A node that gives the shape, or its size, as a constant.</summary>
    private NodeProto ShapeConstant(NodeProto node, int images)
    {
        var info = graph.Tensors[node.Operand(0)];
        long[] dims = [.. info.Shape.Zip(info.Batched, (dim, batched) => batched ? images * dim : dim)];
        int rank = dims.Length;
        int start = Bound(node.Integer("start", 0), rank), end = Bound(node.Integer("end", rank), rank);
        var tensor = node.Is("Size")
            ? TensorData.Integers("", [dims.Aggregate(1L, (product, dim) => product * dim)])
            : TensorData.Integers("", dims.AsSpan(start, Math.Max(0, end - start)), Math.Max(0, end - start));
        var value = new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = tensor };
        return NodeExtensions.Node("Constant", [], node.Output[0], value);
    }

    private static int Bound(long position, int rank) => (int)Math.Clamp(position < 0 ? position + rank : position, 0, rank);

    private static long[] Integers(OrtValue value) => (DataType)(int)value.GetTensorTypeAndShape().ElementDataType == DataType.Int64
        ? value.GetTensorDataAsSpan<long>().ToArray()
        : Array.ConvertAll(value.GetTensorDataAsSpan<int>().ToArray(), element => (long)element);
}
