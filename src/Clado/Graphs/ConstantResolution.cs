using Clado.Execution;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static System.FormattableString;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Makes every constant an initializer: Constant nodes, Identity of an initializer (as PyTorch writes shared biases), and nodes that
/// compute on constants alone (transposed weights, shapes of fixed size), which ONNX Runtime evaluates.
/// </summary>
internal static class ConstantResolution
{
    // A constant node may unfold into something large (a ConstantOfShape, an Expand). It is folded only while the result stays small
    // or takes no more room than what it is made of: the budget counts file bytes. Weights are packed, and so folded in any case.
    private const long AlwaysFoldedBytes = 1024;

    // No activation of a vision model is that large; a few bytes of a file can ask for it.
    private const double MaximumElements = 1L << 31;

    public static void Resolve(ModelProto model, string file)
    {
        ConstantNodes(model.Graph, file);
        Aliases(model.Graph);
        CheckSizes(model.Graph, file);
        Fold(model, file);
    }

    private static void ConstantNodes(GraphProto graph, string file)
    {
        // Text is no value of a network's: it stays where it is.
        static bool IsText(NodeProto node) => node.Find("value_string") is not null || node.Find("value_strings") is not null;
        foreach (var node in graph.Node.Where(n => n.Is("Constant") && !IsText(n)).ToArray())
        {
            var value = node.Attribute.Count == 1 ? node.Attribute[0] : null;
            var tensor = value?.Name switch
            {
                "value" => value.T.Clone(),
                "sparse_value" => SparseData.Dense(file, value.SparseTensor, node.Output[0]),
                "value_float" => TensorData.Singles("", [value.F]),
                "value_floats" => TensorData.Singles("", value.Floats.ToArray(), value.Floats.Count),
                "value_int" => TensorData.Integers("", [value.I]),
                "value_ints" => TensorData.Integers("", value.Ints.ToArray(), value.Ints.Count),
                _ => throw new OnnxFormatException(
                    file, "a Constant that is no tensor is not understood", node.DisplayName()),
            };
            tensor.Name = node.Output[0];
            graph.Initializer.Add(tensor);
            graph.Node.Remove(node);
        }
    }

    /// <summary>
    /// Readers of an Identity of an initializer read the initializer itself, but for one that a body hides behind a name of its own.
    /// </summary>
    private static void Aliases(GraphProto graph)
    {
        var constants = graph.Initializer.Select(t => t.Name).ToHashSet();
        var outputs = graph.Output.Select(o => o.Name).ToHashSet();
        var hidden = GraphWalk.NamesInBodies(graph);
        var aliases = new Dictionary<string, string>();
        foreach (var node in graph.Node.ToArray())
        {
            GraphWalk.Rename(node, aliases);
            if (node.Is("Identity") && node.Operand(0) is var constant && constants.Contains(constant) && !hidden.Contains(constant)
                && node.Output.Count == 1 && !outputs.Contains(node.Output[0]))
            {
                aliases.Add(node.Output[0], constant);
                graph.Node.Remove(node);
            }
        }
    }

    /// <summary>Refuses nodes whose constant shape, repeats or padding make an impossible tensor, before anything runs them.</summary>
    private static void CheckSizes(GraphProto graph, string file)
    {
        var constants = graph.Initializer.Where(t => t.DataType == (int)DataType.Int64).ToDictionary(t => t.Name);
        foreach (var node in graph.Node)
        {
            int slot = node.OpType switch { "ConstantOfShape" => 0, "Expand" or "Tile" or "Pad" => 1, "Resize" => 3, _ => -1 };
            if (slot >= 0 && node.IsStandard() && constants.TryGetValue(node.Operand(slot), out var tensor))
            {
                long[] sizes = TensorData.ReadIntegers(file, tensor);
                double elements = node.Is("Pad")
                    ? sizes.Aggregate(1.0, (largest, pad) => Math.Max(largest, Math.Abs((double)pad)))
                    : sizes.Aggregate(1.0, (product, size) => product * size);
                if (elements > MaximumElements)
                {
                    var problem = Invariant($"makes a tensor of at least {elements:0.#e0} elements, which no vision model needs; ");
                    throw new OnnxFormatException(file, problem + "export the model again", node.DisplayName());
                }
            }
        }
    }

    private static void Fold(ModelProto model, string file)
    {
        var graph = model.Graph;
        var constants = graph.Initializer.ToDictionary(t => t.Name, t => (long)t.CalculateSize());
        var known = constants.Keys.ToHashSet();
        var foldable = new List<NodeProto>();
        var weights = WeightChains.Find(graph);
        var wide = graph.Initializer.Where(t => (DataType)t.DataType == DataType.Int32).Select(t => t.Name).ToHashSet();
        foreach (var node in graph.Node)
        {
            // What is stored as integers is meant to stay small, unless it is quantized anew, or as large as floats.
            bool mayBeFolded = node.IsStandard()
                && (weights.Contains(node) || !node.Is("DequantizeLinear") || wide.Contains(node.Operand(0)));
            if (mayBeFolded && node.Operands().Count > 0 && GraphWalk.Reads(node).All(known.Contains))
            {
                foldable.Add(node);
                known.UnionWith(node.Output);
            }
        }
        if (foldable.Count == 0)
        {
            return;
        }
        var made = foldable.SelectMany(n => n.Output).Where(o => o.Length > 0).ToHashSet();
        var results = Evaluate(model, foldable, made, file);
        foreach (var node in foldable)
        {
            long inputBytes = GraphWalk.Reads(node).Sum(name => constants.GetValueOrDefault(name));
            long outputBytes = node.Output.Sum(o => results.GetValueOrDefault(o)?.CalculateSize() ?? 0L);
            bool inputsFolded = GraphWalk.Reads(node).All(constants.ContainsKey);
            bool isOutput = node.Output.Any(o => graph.Output.Any(v => v.Name == o));
            if (inputsFolded && !isOutput && node.Output.All(o => o.Length == 0 || results.ContainsKey(o))
                && (weights.Contains(node) || outputBytes <= Math.Max(AlwaysFoldedBytes, inputBytes)))
            {
                foreach (var output in node.Output.Where(o => o.Length > 0))
                {
                    graph.Initializer.Add(results[output]);
                    constants.Add(output, results[output].CalculateSize());
                }
                graph.Node.Remove(node);
            }
        }
    }

    /// <summary>Values of constant tensors, computed by ONNX Runtime; types that cannot be read back are left out.</summary>
    private static Dictionary<string, TensorProto> Evaluate(ModelProto model, List<NodeProto> nodes, HashSet<string> wanted, string file)
    {
        var part = GraphPart.Shell(model);
        var used = nodes.SelectMany(GraphWalk.Reads).ToHashSet();
        part.Graph.Node.Add(nodes.Select(n => n.Clone()));
        part.Graph.Initializer.Add(model.Graph.Initializer.Where(t => used.Contains(t.Name)));
        part.Graph.Output.Add(wanted.Select(name => new ValueInfoProto { Name = name }));
        using var session = new GraphSession(part, file, GraphOptimizationLevel.ORT_DISABLE_ALL);
        using var values = session.Run(_ => throw new InvalidOperationException("Constants have no inputs."));
        var results = new Dictionary<string, TensorProto>();
        foreach (var (name, value) in session.Outputs.Zip(values).Where(output => output.Second.IsTensor))
        {
            var info = value.GetTensorTypeAndShape();
            var type = (DataType)(int)info.ElementDataType;
            if (type is DataType.Float or DataType.Double or DataType.Float16 or DataType.Int64 or DataType.Int32 or DataType.Uint8
                or DataType.Int8 or DataType.Bool)
            {
                results.Add(name, TensorData.Create(name, type, value.GetTensorDataAsSpan<byte>(), info.Shape));
            }
        }
        return results;
    }
}
