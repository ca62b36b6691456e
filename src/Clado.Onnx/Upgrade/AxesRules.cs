namespace Clado.Onnx.Upgrade;

/// <summary>Operators along some axes, which were an attribute and became an input.</summary>
internal static class AxesRules
{
    /// <summary>ReduceL1, ReduceMean and the others but ReduceSum: version 18.</summary>
    public static void Reduce(NodeProto node, UpgradeContext context) => AxesBecomeInput(node, context, since: 18);

    /// <summary>ReduceSum: version 13.</summary>
    public static void ReduceSum(NodeProto node, UpgradeContext context) => AxesBecomeInput(node, context, since: 13);

    /// <summary>Squeeze and Unsqueeze: version 13.</summary>
    public static void Squeeze(NodeProto node, UpgradeContext context) => AxesBecomeInput(node, context, since: 13);

    private static void AxesBecomeInput(NodeProto node, UpgradeContext context, int since)
    {
        if (context.Opset < since)
        {
            AttributeRules.BecomeInput(node, "axes", context);
        }
    }
}
