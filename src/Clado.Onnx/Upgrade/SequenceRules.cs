namespace Clado.Onnx.Upgrade;

/// <summary>Operators along a sequence or signal.</summary>
internal static class SequenceRules
{
    /// <summary>DFT: version 20 made the axis an input, its default −2 where it had been 1.</summary>
    public static void FourierTransform(NodeProto node, UpgradeContext context)
    {
        const string NoLength = "";
        if (context.Opset >= 20)
        {
            return;
        }
        if (node.Input.Count < 2)
        {
            node.Input.Add(NoLength);
        }
        node.Input.Add(context.Integer($"{node.Output[0]}_axis", node.Take("axis")?.I ?? 1));
    }

    /// <summary>Scan: version 9 dropped the batch axis.</summary>
    public static void Scan(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 9)
        {
            throw context.Error(node, "Scan with a batch axis, which opset 9 dropped; export with opset 9 or later");
        }
    }
}
