using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients;

/// <summary>Where derivatives can go: the tensors that change, as real numbers do, with those that are asked for.</summary>
internal static class GradientPath
{
    /// <summary>Follows the nodes from what is asked for.</summary>
    /// <param name="nodes">Nodes in topological order.</param>
    /// <param name="from">Names of the tensors asked for.</param>
    /// <param name="type">Element type of a tensor; null of a sequence.</param>
    /// <returns>Names, those asked for among them.</returns>
    public static HashSet<string> From(IEnumerable<NodeProto> nodes, IEnumerable<string> from, Func<string, DataType?> type)
    {
        var carrying = from.ToHashSet();
        foreach (var node in nodes.Where(node => !GradientRules.IsFlat(node)))
        {
            if (GraphWalk.Reads(node).Any(carrying.Contains))
            {
                carrying.UnionWith(node.Output.Where(output => output.Length > 0 && Carries(node, type(output))));
            }
        }
        return carrying;
    }

    /// <summary>
    /// Numbers carry derivatives, and so do the codes that they are rounded to, straight through (docs/gradients.md). Counts, places and
    /// truths do not, and neither does what a cast cuts off.
    /// </summary>
    private static bool Carries(NodeProto node, DataType? type) => type switch
    {
        DataType.Int64 or DataType.Int32 or DataType.Uint64 or DataType.Uint32 or DataType.Bool or DataType.String => false,
        null or DataType.Float or DataType.Double or DataType.Float16 or DataType.Bfloat16 => true,
        _ => !node.Is("Cast") && !node.Is("CastLike"),
    };
}
