using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>Softmax, LogSoftmax and Hardmax.</summary>
internal static class SoftmaxRules
{
    private const long Last = -1;

    /// <summary>
    /// Until version 13 the input was flattened to [before the axis, from the axis on], and the softmax taken over all of the second part.
    /// On the last axis that is what version 13 does. Elsewhere the node is put between Flatten and Reshape.
    /// </summary>
    public static void Softmax(NodeProto node, UpgradeContext context)
    {
        if (context.Opset >= 13)
        {
            return;
        }
        long axis = node.Take("axis")?.I ?? 1;
        node.Attribute.Add(Attribute("axis", Last));
        if (axis != Last && axis != context.Rank(node.Output[0]) - 1)
        {
            Flatten(node, axis, context);
        }
    }

    private static void Flatten(NodeProto node, long axis, UpgradeContext context)
    {
        var (data, result) = (node.Input[0], node.Output[0]);
        var shape = context.Fresh($"{result}_shape");
        var flat = context.Fresh($"{result}_flat");
        var soft = context.Fresh($"{result}_soft");
        context.Before(Node("Shape", [data], shape));
        context.Before(Node("Flatten", [data], flat, Attribute("axis", axis)));
        (node.Input[0], node.Output[0]) = (flat, soft);
        context.After(Node("Reshape", [soft, shape], result));
    }
}
