using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs.Integers;

/// <summary>
/// Removes grids of activations: the tensors are floats then. Where a grid begins or ends at 0, it may stand for a Relu that is not in the
/// model, so what it cuts off stays cut off.
/// </summary>
internal sealed class GridRemoval
{
    private static readonly string[] NonNegative = ["Abs", "HardSigmoid", "Relu", "Sigmoid", "Softmax"];

    // What is never negative where its inputs are not.
    private static readonly string[] Keeping =
        ["Add", "AveragePool", "Concat", "Flatten", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "Mul"];

    private readonly GraphProto graph;
    private readonly GridConstants constants;
    private readonly GridRegions regions;
    private readonly List<NodeProto> nodes = [];
    private readonly Dictionary<string, string> renamed = [];
    private readonly HashSet<string> nonNegative = [];

    private GridRemoval(GraphProto graph, string file)
    {
        (this.graph, constants) = (graph, new GridConstants(graph, file));
        regions = new GridRegions(graph, constants);
    }

    /// <summary>Removes them. Those whose codes are read by something else than DequantizeLinear of the same grid stay.</summary>
    /// <param name="graph">Nodes in topological order, constants resolved.</param>
    /// <param name="file">Path that errors name.</param>
    /// <returns>Whether there were any.</returns>
    public static bool Apply(GraphProto graph, string file)
    {
        if (!graph.Node.Any(ActivationGrids.IsGrid))
        {
            return false;
        }
        var removal = new GridRemoval(graph, file);
        foreach (var node in graph.Node)
        {
            removal.Add(node);
        }
        graph.Node.Clear();
        graph.Node.Add(removal.nodes);
        // Types of what were codes are no longer those.
        graph.ValueInfo.Clear();
        return true;
    }

    private void Add(NodeProto node)
    {
        var input = node.Operand(0);
        GraphWalk.Rename(node, renamed);
        if (ActivationGrids.IsGrid(node) && regions.MayBeFloat(node.Output[0]))
        {
            RemoveGrid(node);
        }
        else if (node.Is("Clip") && regions.MayBeFloat(input))
        {
            // Its bounds are codes: the grid has fewer of them than its type.
            renamed.Add(node.Output[0], node.Operand(0));
        }
        else if (node.Is("DequantizeLinear") && regions.MayBeFloat(input))
        {
            if (regions.IsOutput(node.Output[0]))
            {
                Keep(Node("Identity", [node.Operand(0)], node.Output[0]));
            }
            else
            {
                renamed.Add(node.Output[0], node.Operand(0));
            }
        }
        else
        {
            Keep(node);
        }
    }

    private void RemoveGrid(NodeProto node)
    {
        if (node.Is("QuantizeLinear"))
        {
            renamed.Add(node.Output[0], constants.IsByChannel(node.Operand(1)) ? node.Operand(0) : Cut(node));
            return;
        }
        renamed.Add(node.Output[0], node.Operand(0));
        if (regions.IsFactor(node.Output[1]))
        {
            renamed.Add(node.Output[1], constants.Ones(""));
        }
    }

    /// <summary>The tensor that is rounded, cut off where its grid ends if that is at 0 and the tensor may go beyond.</summary>
    private string Cut(NodeProto node)
    {
        var (zeroPoint, input) = (constants.Find(node.Operand(2)), node.Operand(0));
        long zero = zeroPoint is null ? 0 : constants.Codes(zeroPoint)[0];
        var (lowest, highest) = ActivationGrid.Range(node, zeroPoint);
        if (regions.OnlyReader(node.Output[0]) is { } clip && clip.Is("Clip"))
        {
            (lowest, highest) = (Bound(clip, 1, lowest), Bound(clip, 2, highest));
        }
        if ((zero > lowest || nonNegative.Contains(input)) && zero < highest)
        {
            return input;
        }
        float scale = constants.Singles(constants.Find(node.Operand(1))!)[0];
        string[] bounds =
        [
            constants.Add(TensorData.Singles("", [(lowest - zero) * scale]), $"{input}_lowest"),
            constants.Add(TensorData.Singles("", [(highest - zero) * scale]), $"{input}_highest"),
        ];
        var output = constants.Fresh($"{input}_cut");
        Keep(Node("Clip", [input, .. bounds], output));
        return output;
    }

    private long Bound(NodeProto clip, int slot, long otherwise) =>
        constants.Find(clip.Operand(slot)) is { } bound ? constants.Codes(bound)[0] : otherwise;

    private void Keep(NodeProto node)
    {
        nodes.Add(node);
        bool isCut = node.Is("Clip") && constants.Find(node.Operand(1)) is { DataType: (int)DataType.Float } least
            && constants.Singles(least) is [>= 0];
        if (isCut || NonNegative.Any(node.Is)
            || (Keeping.Any(node.Is) && node.Operands().Where(name => name.Length > 0).All(nonNegative.Contains)))
        {
            nonNegative.UnionWith(node.Output);
        }
    }
}
