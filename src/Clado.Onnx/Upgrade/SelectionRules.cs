using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>Operators that select elements or put them elsewhere.</summary>
internal static class SelectionRules
{
    /// <summary>Version 10 made starts, ends and axes inputs.</summary>
    public static void Slice(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 10)
        {
            AttributeRules.BecomeInput(node, "starts", context);
            AttributeRules.BecomeInput(node, "ends", context);
            AttributeRules.BecomeInput(node, "axes", context);
        }
    }

    /// <summary>Version 13 made the lengths an input; version 18 asks for the number of parts where there are none.</summary>
    public static void Split(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 13)
        {
            AttributeRules.BecomeInput(node, "split", context);
        }
        if (context.Opset < 18 && node.Operand(1).Length == 0)
        {
            // ONNX Runtime counts an input that is named and absent as one.
            var data = node.Input[0];
            node.Input.Clear();
            node.Input.Add(data);
            node.Attribute.Add(Attribute("num_outputs", node.Output.Count));
        }
    }

    /// <summary>Version 10 made k an input.</summary>
    public static void TopK(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 10)
        {
            var k = node.Take("k") ?? throw context.Error(node, "TopK without k");
            node.Input.Add(context.Integers($"{node.Output[0]}_k", k.I));
        }
    }

    /// <summary>Opset 11 calls it ScatterElements.</summary>
    public static void Scatter(NodeProto node, UpgradeContext context) => node.OpType = "ScatterElements";
}
