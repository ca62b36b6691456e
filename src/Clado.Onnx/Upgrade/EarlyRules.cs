using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// What changed in operators between opset 1 and 7, the first with today's broadcasting (ONNX operator changelog, versions 6 and 7).
/// From there on <see cref="UpgradeRules"/>.
/// </summary>
internal static class EarlyRules
{
    /// <summary>The opset these rules lead to.</summary>
    public const int Until = 7;

    // The element types that Cast named by text until opset 5.
    private static readonly string[] TypeNames =
        ["FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE", "UINT32", "UINT64"];

    /// <summary>Rewrites a node of opset 1 to 6 as one of opset 7.</summary>
    public static void Apply(NodeProto node, UpgradeContext context)
    {
        // A hint for in-place kernels, without meaning.
        node.Take("consumed_inputs");
        switch (node.OpType)
        {
            case "Add" or "Sub" or "Mul" or "Div" or "Pow" or "And" or "Or" or "Xor" or "Equal" or "Greater" or "Less":
                Broadcast(node, context);
                break;
            case "BatchNormalization" or "Dropout":
                node.Take("is_test");
                break;
            case "Cast" when node.Find("to") is { Type: AttributeProto.Types.AttributeType.String } to:
                node.Attribute.Remove(to);
                node.Attribute.Add(Attribute("to", Array.IndexOf(TypeNames, to.S.ToStringUtf8().ToUpperInvariant()) + 1L));
                break;
            case "Concat" when node.Find("axis") is null:
                node.Attribute.Add(Attribute("axis", 1));
                break;
            case "Gemm":
                node.Take("broadcast");
                break;
            case "Pad" when node.Take("paddings") is { } paddings:
                node.Attribute.Add(Attribute("pads", [.. paddings.Ints]));
                break;
            case "PRelu" when context.Rank(node.Input[1]) == 1:
                // One slope a channel, and channels are the second axis; a single slope broadcasts either way.
                AddTrailing(node, Rank(node, 0, context) - 2, 1, context);
                break;
            case "Reshape" when node.Take("shape") is { } shape:
                node.Input.Add(context.Integers($"{node.Output[0]}_shape", [.. shape.Ints]));
                break;
            case "Tile" when context.Opset == 6:
                break;
            case "GRU" or "LSTM" or "RNN" or "Tile" or "Upsample":
                throw context.Error(node, $"{node.OpType} in the form of opset {context.Opset}; export with opset {Until} or later");
        }
    }

    /// <summary>The second input's dimensions stood at an axis of the first; today they stand at its end.</summary>
    private static void Broadcast(NodeProto node, UpgradeContext context)
    {
        var axis = node.Take("axis");
        if (node.Take("broadcast") is { I: 1 } && axis is not null)
        {
            int own = Rank(node, 0, context);
            int other = Rank(node, 1, context);
            long at = axis.I < 0 ? axis.I + own : axis.I;
            if (at < 0 || at > own)
            {
                throw context.Error(node, $"broadcasts along axis {axis.I} of {own}; export the model again");
            }
            AddTrailing(node, own - (int)at - other, other, context);
        }
    }

    /// <summary>Adds dimensions of 1 to the end of the second input.</summary>
    private static void AddTrailing(NodeProto node, int count, int rank, UpgradeContext context)
    {
        if (count <= 0)
        {
            return;
        }
        var wide = context.Fresh($"{node.Output[0]}_wide");
        var axes = context.Integers($"{node.Output[0]}_axes", [.. Enumerable.Range(rank, count).Select(a => (long)a)]);
        context.Before(Node("Unsqueeze", [node.Input[1], axes], wide));
        node.Input[1] = wide;
    }

    private static int Rank(NodeProto node, int slot, UpgradeContext context) => context.Rank(node.Input[slot])
        ?? throw context.Error(
            node,
            $"broadcasting of opset {context.Opset} between tensors whose number of dimensions the file does not say; "
                + $"export with opset {Until} or later");
}
