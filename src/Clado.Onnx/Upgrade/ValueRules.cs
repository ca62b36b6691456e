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

    /// <summary>x · sigmoid(alpha · x): ONNX Runtime 1.31 has no kernel for the whole.</summary>
    public static void Swish(NodeProto node, UpgradeContext context)
    {
        var (input, output) = (node.Input[0], node.Output[0]);
        var (steep, gate) = (input, context.Fresh($"{output}_gate"));
        if (node.Take("alpha") is { F: not 1 } alpha)
        {
            steep = context.Fresh($"{output}_steep");
            context.Before(NodeExtensions.Node("Mul", [input, context.Scalar($"{output}_alpha", alpha.F)], steep));
        }
        context.Before(NodeExtensions.Node("Sigmoid", [steep], gate));
        node.OpType = "Mul";
        node.Input.Add(gate);
    }

    /// <summary>
    /// (Σ |x|^p)^(1/p) over all but batch and channels: their mean times their number. ONNX Runtime 1.31 has no kernel for the whole since
    /// opset 22.
    /// </summary>
    public static void GlobalLpPool(NodeProto node, UpgradeContext context)
    {
        const float DefaultPower = 2;
        var output = node.Output[0];
        string Step(string op, params string[] inputs)
        {
            var made = context.Fresh($"{output}_{op.ToLowerInvariant()}");
            var step = NodeExtensions.Node(op, inputs, made);
            if (op == "Cast")
            {
                step.Attribute.Add(NodeExtensions.Attribute("to", (long)TensorProto.Types.DataType.Float));
            }
            context.Before(step);
            return made;
        }

        float power = node.Take("p")?.I ?? DefaultPower;
        var powers = Step("Pow", Step("Abs", node.Input[0]), context.Scalar($"{output}_p", power));
        var mean = Step("GlobalAveragePool", powers);
        var count = Step("Div", Step("Cast", Step("Size", powers)), Step("Cast", Step("Size", mean)));
        node.OpType = "Pow";
        node.Input.Clear();
        node.Input.Add([Step("Mul", mean, count), context.Scalar($"{output}_root", 1 / power)]);
    }

    /// <summary>Name of the bound; an empty one, an absent input, where there is none.</summary>
    private static string Bound(NodeProto node, string name, UpgradeContext context) =>
        node.Take(name) is { } bound ? context.Scalar($"{node.Output[0]}_{name}", bound.F) : "";
}
