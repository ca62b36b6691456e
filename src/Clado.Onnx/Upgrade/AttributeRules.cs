namespace Clado.Onnx.Upgrade;

/// <summary>The most frequent change of all: what was an attribute became an input.</summary>
internal static class AttributeRules
{
    /// <summary>Makes a list of integers an input, a constant; nothing where the node has no such attribute.</summary>
    /// <param name="node">The node to change.</param>
    /// <param name="name">Name of the attribute.</param>
    /// <param name="context">Holds the new constant.</param>
    public static void BecomeInput(NodeProto node, string name, UpgradeContext context)
    {
        if (node.Take(name) is { } values)
        {
            node.Input.Add(context.Integers($"{node.Output[0]}_{name}", [.. values.Ints]));
        }
    }
}
