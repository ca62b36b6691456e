using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Layers;

/// <summary>Says what stays float: the constants worth naming, wherever in the model they lie, with their bytes and the reason.</summary>
internal sealed class KeptConstants
{
    /// <summary>The fewest bytes of a constant that is listed: scales, axes, a bias of a few channels are not worth a line.</summary>
    public const long LeastBytes = 256;

    private readonly string file;
    private readonly IReadOnlyDictionary<NodeProto, string> reasons;
    private readonly HashSet<TensorProto> listed = new(ReferenceEqualityComparer.Instance);
    private readonly List<KeptOperation> kept = [];

    private KeptConstants(string file, IReadOnlyDictionary<NodeProto, string> reasons) => (this.file, this.reasons) = (file, reasons);

    /// <summary>Lists what stays float.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="weights">Names of the constants that are quantized.</param>
    /// <param name="reasons">Why operators stay as they are, those in bodies too; each is listed, with its constants.</param>
    /// <returns>In the order of the nodes, a constant once: with the first that reads it. Shape: [kept].</returns>
    public static IReadOnlyList<KeptOperation> List(
        Graph graph, IReadOnlySet<string> weights, IReadOnlyDictionary<NodeProto, string> reasons)
    {
        var listing = new KeptConstants(graph.File, reasons);
        var visible = graph.Model.Graph.Initializer.Where(t => !weights.Contains(t.Name)).ToDictionary(t => t.Name);
        listing.Walk(graph.Nodes, visible, null);
        foreach (var output in graph.Outputs.Where(visible.ContainsKey))
        {
            listing.Add(output, "Constant", visible[output], "it is an output of the model");
        }
        foreach (var function in graph.Model.Functions)
        {
            var where = $"in the function {function.Domain}.{function.Name}, which is kept as it is";
            listing.Walk(function.Node, ConstantNodes(function.Node), where);
        }
        return listing.kept;
    }

    private void Walk(IEnumerable<NodeProto> nodes, Dictionary<string, TensorProto> visible, string? place)
    {
        foreach (var node in nodes)
        {
            int before = kept.Count;
            foreach (var (slot, name) in node.Operands().Index().DistinctBy(input => input.Item))
            {
                if (visible.TryGetValue(name, out var constant))
                {
                    Add(node.DisplayName(), Operator(node), constant, reasons.GetValueOrDefault(node) ?? place ?? Reason(node, slot));
                }
            }
            if (kept.Count == before && reasons.TryGetValue(node, out var reason))
            {
                kept.Add(new KeptOperation(node.DisplayName(), Operator(node), reason));
            }
            foreach (var body in GraphWalk.Bodies(node))
            {
                var own = GraphWalk.Defines(body).ToHashSet();
                var inside = visible.Where(constant => !own.Contains(constant.Key)).Concat(ConstantNodes(body.Node))
                    .Concat(body.Initializer.Select(t => KeyValuePair.Create(t.Name, t))).DistinctBy(c => c.Key).ToDictionary();
                Walk(body.Node, inside, $"in the body of {node.OpType} '{node.DisplayName()}', and bodies are kept as they are");
            }
        }
    }

    private void Add(string name, string op, TensorProto constant, string reason)
    {
        bool isFloat = (DataType)constant.DataType is DataType.Float or DataType.Double or DataType.Float16 or DataType.Bfloat16;
        if (isFloat && TensorData.SizeBytes(file, constant) is >= LeastBytes and var bytes && listed.Add(constant))
        {
            kept.Add(new KeptOperation(name, op, reason) { Constant = constant.Name, Bytes = bytes });
        }
    }

    /// <summary>In bodies and functions, constants may be nodes.</summary>
    private static Dictionary<string, TensorProto> ConstantNodes(IEnumerable<NodeProto> nodes) =>
        nodes.Where(n => n.Is("Constant") && n.Output.Count == 1 && n.Find("value")?.T is not null).DistinctBy(n => n.Output[0])
            .ToDictionary(n => n.Output[0], n => n.Find("value")!.T);

    private static string Operator(NodeProto node) => node.IsStandard() ? node.OpType : $"{node.Domain}.{node.OpType}";

    private static string Reason(NodeProto node, int slot) => node.OpType switch
    {
        "Conv" or "ConvTranspose" or "Gemm" => "a bias keeps its 32 bits",
        "Einsum" => "the equation is no product with a matrix",
        _ when WeightUse.IsRecurrent(node) => slot switch
        {
            1 or 2 => $"weights of this kind are quantized from {ConstantUse.FewestWeights} on",
            3 => "a bias keeps its 32 bits",
            7 => "peepholes are kept",
            _ => "initial states are kept",
        },
        _ when node.OpType.EndsWith("Normalization", StringComparison.Ordinal) => "parameters of a normalization are kept",
        _ => "only factors of convolutions and matrix products are quantized",
    };
}
