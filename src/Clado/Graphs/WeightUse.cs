using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>How an operator multiplies by a weight.</summary>
internal static class WeightUse
{
    private static readonly int[] Slots = [1, 0, 2];

    /// <summary>Whether a node is a recurrent layer: its inputs 1 and 2 are weights, a matrix a direction.</summary>
    /// <param name="node">The node.</param>
    public static bool IsRecurrent(NodeProto node) => node.IsStandard() && node.OpType is "LSTM" or "GRU" or "RNN";

    /// <summary>The axis of the weight along which output channels lie; null where the operator does not multiply by a matrix.</summary>
    /// <param name="node">The operator.</param>
    /// <param name="slot">Which of its inputs is the weight.</param>
    /// <param name="rank">Number of dimensions of the weight.</param>
    public static int? ChannelAxis(NodeProto node, int slot, int rank) => !node.IsStandard() ? null : (node.OpType, slot) switch
    {
        ("Conv", 1) => 0,
        ("ConvTranspose", 1) => 1,
        ("Gemm", 1) => node.Integer("transB", 0) == 0 ? 1 : 0,
        ("MatMul", 0 or 1) when rank >= 2 => rank - 2 + slot,
        ("LSTM" or "GRU" or "RNN", 1 or 2) => 1,
        _ => null,
    };

    /// <summary>The input by which a node multiplies by a weight, or -1 where it reads it otherwise: adds it, gathers its rows.</summary>
    /// <param name="node">The node.</param>
    /// <param name="weight">Name of the weight.</param>
    /// <param name="rank">Number of dimensions of the weight.</param>
    public static int Slot(NodeProto node, string weight, int rank)
    {
        foreach (int slot in Slots)
        {
            if (node.Operand(slot) == weight && ChannelAxis(node, slot, rank) is not null)
            {
                return slot;
            }
        }
        return -1;
    }

    /// <summary>
    /// The tensor that a weight is multiplied with. The hidden states that recurrent weights are multiplied with are the node's own
    /// outputs, one step earlier (<see cref="HiddenStates"/>).
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="slot">Which of its inputs is the weight.</param>
    public static string Factor(NodeProto node, int slot) => !IsRecurrent(node) ? node.Operand(1 - slot)
        : slot == 1 ? node.Operand(0)
        : node.Output[0];
}
