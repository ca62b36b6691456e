using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// What ONNX Runtime's own optimizer makes of several operators (domain <c>com.microsoft</c>), separated into the standard ones they stand
/// for: their weights are found, and other runtimes read the file. Operators that are not among these stay.
/// </summary>
internal static class FusedOperators
{
    /// <summary>The domain of ONNX Runtime's own operators.</summary>
    public const string Domain = "com.microsoft";

    // By operator; false where a node is in a form whose meaning is not plain, and stays.
    private static readonly Dictionary<string, Func<NodeProto, UpgradeContext, bool>> Rules = new()
    {
        ["Attention"] = AttentionRule.Separate,
        ["BiasGelu"] = (node, context) => Gelu(node, "none", context),
        ["FastGelu"] = (node, context) => Gelu(node, "tanh", context),
        ["FusedConv"] = FusedProducts.Convolution,
        ["FusedGemm"] = FusedProducts.Gemm,
        ["FusedMatMul"] = FusedProducts.MatMul,
        ["Gelu"] = (node, context) => Gelu(node, "none", context),
        ["QuickGelu"] = QuickGelu,
        ["SkipLayerNormalization"] = (node, context) => Skip(node, "LayerNormalization", hasShift: true, context),
        ["SkipSimplifiedLayerNormalization"] = (node, context) =>
            Skip(node, "SimplifiedLayerNormalization", hasShift: false, context),
        ["TransposeMatMul"] = FusedProducts.MatMul,
    };

    /// <summary>Rewrites a node in place, what belongs before and behind it into the context; nothing where it has no rule.</summary>
    /// <param name="node">The node.</param>
    /// <param name="context">Its surroundings.</param>
    public static void Separate(NodeProto node, UpgradeContext context)
    {
        if (node.Domain == Domain && Rules.TryGetValue(node.OpType, out var rule) && node.Input.Count > 0 && node.Output.Count > 0
            && rule(node, context))
        {
            node.Domain = "";
        }
    }

    /// <summary>Puts an operator in front of a node.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Its inputs. Shape: [inputs].</param>
    /// <param name="hint">What its output is called, if nothing else is.</param>
    /// <param name="context">The node's surroundings.</param>
    /// <param name="attributes">Its attributes. Shape: [attributes].</param>
    /// <returns>Name of its output.</returns>
    public static string Before(
        string op, string[] inputs, string hint, UpgradeContext context, params ReadOnlySpan<AttributeProto> attributes)
    {
        var made = context.Fresh(hint);
        context.Before(Node(op, inputs, made, attributes));
        return made;
    }

    private static bool Gelu(NodeProto node, string approximation, UpgradeContext context)
    {
        if (node.Operand(1).Length > 0)
        {
            node.Input[0] = Before("Add", [node.Input[0], node.Input[1]], $"{node.Output[0]}_biased", context);
        }
        Become(node, "Gelu", node.Input[0]);
        node.Attribute.Add(Attribute("approximate", approximation));
        return true;
    }

    /// <summary>x · sigmoid(alpha · x).</summary>
    private static bool QuickGelu(NodeProto node, UpgradeContext context)
    {
        const float DefaultAlpha = 1.702f;
        var (input, output) = (node.Input[0], node.Output[0]);
        var alpha = context.Scalar($"{output}_alpha", node.Find("alpha")?.F ?? DefaultAlpha);
        var gate = Before("Sigmoid", [Before("Mul", [input, alpha], $"{output}_steep", context)], $"{output}_gate", context);
        Become(node, "Mul", input, gate);
        return true;
    }

    /// <summary>The sum of input, skip and bias, normalized. The sum itself may be read, too; statistics are for training.</summary>
    private static bool Skip(NodeProto node, string normalization, bool hasShift, UpgradeContext context)
    {
        const float DefaultEpsilon = 1e-12f;
        const int SumOutput = 3;
        if (node.Input.Count < 3 || node.Output.Skip(1).Take(SumOutput - 1).Any(context.IsRead))
        {
            return false;
        }
        var output = node.Output[0];
        var bias = node.Operand(hasShift ? 4 : 3);
        var named = node.Output.ElementAtOrDefault(SumOutput);
        var sum = string.IsNullOrEmpty(named) ? context.Fresh($"{output}_sum") : named;
        string[] addends = bias.Length > 0
            ? [Before("Add", [node.Input[0], node.Input[1]], $"{output}_skip", context), bias]
            : [node.Input[0], node.Input[1]];
        context.Before(Node("Add", addends, sum));
        var epsilon = node.Find("epsilon")?.F ?? DefaultEpsilon;
        string[] parameters = hasShift && node.Operand(3).Length > 0 ? [node.Input[2], node.Input[3]] : [node.Input[2]];
        Become(node, normalization, [sum, .. parameters]);
        node.Output.Clear();
        node.Output.Add(output);
        node.Attribute.Add(Attribute("axis", -1));
        node.Attribute.Add(new AttributeProto { Name = "epsilon", Type = AttributeProto.Types.AttributeType.Float, F = epsilon });
        return true;
    }

    private static void Become(NodeProto node, string op, params string[] inputs)
    {
        node.OpType = op;
        node.Attribute.Clear();
        node.Input.Clear();
        node.Input.Add(inputs);
    }
}
