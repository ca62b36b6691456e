using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Gives uses of one constant whose output channels lie on different axes of it a constant each (docs/decisions/2026-11-27-shared-weights.md).
/// Scales lie along one axis, and ONNX Runtime's integer kernels take those of the first use for the channels of the second without a word.
/// </summary>
internal static class WeightCopies
{
    /// <summary>Adds the copies; the first use, and whoever reads the constant otherwise, keeps the original.</summary>
    /// <param name="graph">Nodes in topological order; it is changed.</param>
    public static void Make(GraphProto graph)
    {
        var weights = graph.Initializer.Where(t => (DataType)t.DataType == DataType.Float && t.Dims.Count > 1).ToDictionary(t => t.Name);
        var axes = new Dictionary<string, int>();
        var copies = new Dictionary<(string Weight, int Axis), string>();
        var taken = graph.Node.SelectMany(n => n.Input.Concat(n.Output)).Concat(weights.Keys).ToHashSet();
        foreach (var node in graph.Node)
        {
            for (int slot = 0; slot < node.Input.Count; slot++)
            {
                if (WeightUse.ChannelAxis(node, slot) is not { } axis || !weights.TryGetValue(node.Input[slot], out var weight)
                    || (node.Is("MatMul") && weight.Dims.Count > 2) || axes.TryAdd(weight.Name, axis) || axes[weight.Name] == axis)
                {
                    continue;
                }
                if (!copies.TryGetValue((weight.Name, axis), out var name))
                {
                    name = Enumerable.Range(axis, int.MaxValue - axis).Select(i => $"{weight.Name}_{i}").First(taken.Add);
                    copies.Add((weight.Name, axis), name);
                    var copy = weight.Clone();
                    copy.Name = name;
                    graph.Initializer.Add(copy);
                }
                node.Input[slot] = name;
            }
        }
    }
}
