using Google.Protobuf.Collections;

namespace Clado.Onnx.Upgrade;

/// <summary>Normalizations and dropout. Their training forms are refused: models in evaluation mode are understood.</summary>
internal static class NormalizationRules
{
    /// <summary>Version 9 dropped <c>spatial</c>. Version 14 made training an attribute; before, further outputs meant training.</summary>
    public static void BatchNormalization(NodeProto node, UpgradeContext context)
    {
        bool isPerElement = node.Take("spatial") is { I: 0 };
        if (isPerElement || (context.Opset < 14 && HasFurtherOutputs(node)))
        {
            throw context.Error(node, "BatchNormalization in training or per-element form; export the model in evaluation mode");
        }
        if (context.Opset < 14)
        {
            KeepFirst(node.Output);
        }
    }

    /// <summary>Version 21 made the scale of each group one of each channel.</summary>
    public static void GroupNormalization(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 21)
        {
            throw context.Error(
                node, "GroupNormalization with a scale a group, which opset 21 made a scale a channel; export with opset 21 or without it");
        }
    }

    /// <summary>Version 12 made training an input, absent in evaluation. Before, a node without a mask does nothing at inference.</summary>
    public static void Dropout(NodeProto node, UpgradeContext context)
    {
        if (context.Opset >= 12)
        {
            return;
        }
        if (HasFurtherOutputs(node))
        {
            throw context.Error(node, "Dropout with a mask output; export the model in evaluation mode");
        }
        node.OpType = "Identity";
        node.Attribute.Clear();
        KeepFirst(node.Output);
    }

    private static bool HasFurtherOutputs(NodeProto node) => node.Output.Skip(1).Any(name => name.Length > 0);

    private static void KeepFirst(RepeatedField<string> outputs)
    {
        while (outputs.Count > 1)
        {
            outputs.RemoveAt(outputs.Count - 1);
        }
    }
}
