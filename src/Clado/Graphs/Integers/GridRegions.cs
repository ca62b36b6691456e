using Clado.Onnx;

namespace Clado.Graphs.Integers;

/// <summary>
/// Where activations are codes: from QuantizeLinear to the DequantizeLinear that read them, with what moves codes about between them.
/// </summary>
internal sealed class GridRegions
{
    // What gives codes of its input alone, and takes floats as well.
    private static readonly string[] Carriers =
    [
        "Clip", "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "MaxPool", "Relu", "Reshape", "Slice", "SpaceToDepth",
        "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
    ];

    private readonly GraphProto graph;
    private readonly GridConstants constants;
    private readonly ILookup<string, NodeProto> readers;
    private readonly HashSet<string> outputs;

    // The grid that codes are of.
    private readonly Dictionary<string, ActivationGrid> codes = [];
    private readonly HashSet<string> kept;

    /// <summary>Finds them.</summary>
    /// <param name="graph">Nodes in topological order, constants resolved.</param>
    /// <param name="constants">Its constants.</param>
    public GridRegions(GraphProto graph, GridConstants constants)
    {
        (this.graph, this.constants) = (graph, constants);
        readers = graph.Node.SelectMany(node => GraphWalk.Reads(node).Distinct().Select(name => (name, node)))
            .ToLookup(p => p.name, p => p.node);
        outputs = [.. graph.Output.Select(output => output.Name)];
        foreach (var node in graph.Node)
        {
            Find(node);
        }
        kept = [.. codes.Where(code => outputs.Contains(code.Key) || !readers[code.Key].All(node => IsReadAlike(node, code)))
            .Select(code => code.Key)];
        Spread();
    }

    /// <summary>Whether a tensor holds codes that nothing reads but carriers and DequantizeLinear of their own grid.</summary>
    /// <param name="name">Name of the tensor.</param>
    public bool MayBeFloat(string name) => codes.ContainsKey(name) && !kept.Contains(name);

    /// <summary>Whether a tensor is an output of the model.</summary>
    /// <param name="name">Name of the tensor.</param>
    public bool IsOutput(string name) => outputs.Contains(name);

    /// <summary>The only node that reads a tensor, or null.</summary>
    /// <param name="name">Name of the tensor.</param>
    public NodeProto? OnlyReader(string name) => readers[name].ToArray() is [var only] ? only : null;

    /// <summary>
    /// Whether a scale that is found while the network runs is a factor behind it: codes are made float with a scale of 1, and what is
    /// computed of them is multiplied later.
    /// </summary>
    /// <param name="scale">Name of the scale.</param>
    public bool IsFactor(string scale) =>
        !outputs.Contains(scale) && readers[scale].Any()
        && readers[scale].All(reader => reader.Is("Mul") && reader.Operands().Distinct().Count() == 2);

    private bool IsCarrier(NodeProto node) => Carriers.Any(node.Is) && codes.ContainsKey(node.Operand(0))
        && (!node.Is("Concat") || node.Operands().All(input => codes.TryGetValue(input, out var grid) && grid == codes[node.Operand(0)]));

    private void Find(NodeProto node)
    {
        if (node.Is("QuantizeLinear") && ActivationGrid.Of(node, constants) is { } grid)
        {
            codes.Add(node.Output[0], grid);
        }
        else if (node.Is("DynamicQuantizeLinear"))
        {
            codes.Add(node.Output[0], new ActivationGrid(node.Output[1], node.Output[2], IsFound: true));
        }
        else if (IsCarrier(node))
        {
            foreach (var output in node.Output.Where(output => output.Length > 0))
            {
                codes.Add(output, codes[node.Operand(0)]);
            }
        }
    }

    private bool IsReadAlike(NodeProto node, KeyValuePair<string, ActivationGrid> code)
    {
        if (!node.Is("DequantizeLinear"))
        {
            return IsCarrier(node) && (node.Is("Concat") || node.Operands().Count(input => input == code.Key) == 1);
        }
        return code.Value.IsFound
            ? node.Operand(2) == code.Value.ZeroPoint && (node.Operand(1) == code.Value.Scale || IsFactor(code.Value.Scale))
            : ActivationGrid.Of(node, constants) == code.Value;
    }

    /// <summary>What a carrier reads and gives is codes, or floats, all of it.</summary>
    private void Spread()
    {
        int before;
        do
        {
            before = kept.Count;
            foreach (var node in graph.Node.Where(IsCarrier))
            {
                string[] own = [.. node.Operands().Concat(node.Output).Where(codes.ContainsKey)];
                if (own.Any(kept.Contains))
                {
                    kept.UnionWith(own);
                }
            }
        }
        while (kept.Count > before);
    }
}
