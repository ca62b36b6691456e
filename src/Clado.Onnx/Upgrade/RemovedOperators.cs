using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// Operators that the standard had until opset 9 as experimental ones and then removed, as ONNX Runtime still runs them: each is a few of
/// those that stayed.
/// </summary>
internal static class RemovedOperators
{
    /// <summary>y = alpha · x + beta.</summary>
    public static void Affine(NodeProto node, UpgradeContext context)
    {
        var (alpha, beta) = (Value(node, "alpha", 1), Value(node, "beta", 0));
        var product = Before(node, "Mul", [node.Input[0], context.Scalar($"{node.Output[0]}_alpha", alpha)], context);
        Become(node, "Add", product, context.Scalar($"{node.Output[0]}_beta", beta));
    }

    /// <summary>y = scale · x + bias, a bias a channel: how exporters of the time put preprocessing into a network.</summary>
    public static void ImageScaler(NodeProto node, UpgradeContext context)
    {
        float scale = Value(node, "scale", 1);
        float[] bias = [.. node.Take("bias")?.Floats ?? []];
        var product = Before(node, "Mul", [node.Input[0], context.Scalar($"{node.Output[0]}_scale", scale)], context);
        Become(node, "Add", product, context.Singles($"{node.Output[0]}_bias", bias, bias.Length, 1, 1));
    }

    /// <summary>y = scale · x.</summary>
    public static void Scale(NodeProto node, UpgradeContext context) =>
        Become(node, "Mul", node.Input[0], context.Scalar($"{node.Output[0]}_scale", Value(node, "scale", 1)));

    /// <summary>y = alpha · tanh(beta · x).</summary>
    public static void ScaledTanh(NodeProto node, UpgradeContext context) => Scaled(node, "Tanh", context);

    /// <summary>y = alpha · ln(1 + exp(beta · x)).</summary>
    public static void ParametricSoftplus(NodeProto node, UpgradeContext context) => Scaled(node, "Softplus", context);

    /// <summary>Cuts a border off an image, or a region of a given size out of it.</summary>
    public static void Crop(NodeProto node, UpgradeContext context)
    {
        long[] border = node.Integers("border") is { Length: 4 } four
            ? four
            : throw context.Error(node, "Crop without a border of four sides");
        var (left, top) = (border[0], border[1]);
        long[] ends = node.Integers("scale") is [var height, var width]
            ? [top + height, left + width]
            : [.. new[] { border[3], border[2] }.Select(side => side == 0 ? long.MaxValue : -side)];
        string name = node.Output[0];
        var image = node.Input[0];
        Become(node, "Slice", image, context.Integers($"{name}_starts", top, left));
        node.Input.Add([context.Integers($"{name}_ends", ends), context.Integers($"{name}_axes", 2, 3)]);
    }

    /// <summary>Slice as it became with opset 10.</summary>
    public static void DynamicSlice(NodeProto node, UpgradeContext context) => node.OpType = "Slice";

    private static void Scaled(NodeProto node, string function, UpgradeContext context)
    {
        var (alpha, beta) = (Value(node, "alpha", 1), Value(node, "beta", 1));
        var input = Before(node, "Mul", [node.Input[0], context.Scalar($"{node.Output[0]}_beta", beta)], context);
        Become(node, "Mul", Before(node, function, [input], context), context.Scalar($"{node.Output[0]}_alpha", alpha));
    }

    private static float Value(NodeProto node, string name, float otherwise) => node.Take(name)?.F ?? otherwise;

    private static string Before(NodeProto node, string op, string[] inputs, UpgradeContext context)
    {
        var made = context.Fresh($"{node.Output[0]}_{op.ToLowerInvariant()}");
        context.Before(Node(op, inputs, made));
        return made;
    }

    private static void Become(NodeProto node, string op, params string[] inputs)
    {
        node.OpType = op;
        node.Attribute.Clear();
        node.Input.Clear();
        node.Input.Add(inputs);
    }
}
