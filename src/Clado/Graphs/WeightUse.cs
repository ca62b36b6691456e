using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>How an operator multiplies by a weight.</summary>
internal static class WeightUse
{
    /// <summary>The axis of the weight along which output channels lie; null where the operator does not multiply by a matrix.</summary>
    /// <param name="node">The operator.</param>
    /// <param name="slot">Which of its inputs is the weight.</param>
    public static int? ChannelAxis(NodeProto node, int slot) => !node.IsStandard() ? null : (node.OpType, slot) switch
    {
        ("Conv", 1) => 0,
        ("ConvTranspose", 1) => 1,
        ("Gemm", 1) => node.Integer("transB", 0) == 0 ? 1 : 0,
        ("MatMul", 0 or 1) => slot,
        _ => null,
    };

    /// <summary>The input by which a node multiplies by a weight, or -1 where it reads it otherwise: adds it, gathers its rows.</summary>
    /// <param name="node">The node.</param>
    /// <param name="weight">Name of the weight.</param>
    public static int Slot(NodeProto node, string weight)
    {
        for (int slot = 1; slot >= 0; slot--)
        {
            if (node.Operand(slot) == weight && ChannelAxis(node, slot) is not null)
            {
                return slot;
            }
        }
        return -1;
    }
}
