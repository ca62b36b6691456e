namespace Clado.Onnx.Upgrade;

/// <summary>Operators with values that were attributes and became inputs.</summary>
internal static class ValueRules
{
    /// <summary>Version 11 made the bounds inputs.</summary>
    public static void Clip(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 11)
        {
            node.Input.Add(Bound(node, "min", context));
            node.Input.Add(Bound(node, "max", context));
        }
    }

    /// <summary>Version 11 made the paddings and their value inputs.</summary>
    public static void Pad(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 11)
        {
            node.Input.Add(context.Integers($"{node.Output[0]}_pads", [.. node.Take("pads")?.Ints ?? []]));
            node.Input.Add(context.Scalar($"{node.Output[0]}_value", node.Take("value")?.F ?? 0));
        }
    }

    /// <summary>Name of the bound; an empty one, an absent input, where there is none.</summary>
    private static string Bound(NodeProto node, string name, UpgradeContext context) =>
        node.Take(name) is { } bound ? context.Scalar($"{node.Output[0]}_{name}", bound.F) : "";
}
