using System.Collections.Frozen;
using Clado.Onnx;

namespace Clado.Graphs.Integers;

/// <summary>
/// Rewrites operators that compute with integers as what they mean: DequantizeLinear, the float operator, QuantizeLinear. So their weights
/// are weights like others. What has no float counterpart, or is given in a form that it does not have, stays as it is.
/// </summary>
internal static class IntegerOperators
{
    private const string Contributed = "com.microsoft";

    private static readonly FrozenDictionary<string, Func<NodeProto, Dequantization, bool>> Standard =
        new Dictionary<string, Func<NodeProto, Dequantization, bool>>
        {
            ["QLinearConv"] = ProductRules.Convolution,
            ["QLinearMatMul"] = ProductRules.Product,
            ["ConvInteger"] = ProductRules.IntegerConvolution,
            ["MatMulInteger"] = ProductRules.IntegerProduct,
        }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, Func<NodeProto, Dequantization, bool>> OfRuntime =
        new Dictionary<string, Func<NodeProto, Dequantization, bool>>
        {
            ["QLinearConv"] = ProductRules.Convolution,
            ["QGemm"] = ProductRules.Gemm,
            ["MatMulIntegerToFloat"] = ProductRules.ProductToFloat,
            ["DynamicQuantizeMatMul"] = ProductRules.DynamicProduct,
            ["MatMulNBits"] = BlockRules.Product,
            ["QLinearAdd"] = (node, to) => ElementRules.Binary(node, "Add", to),
            ["QLinearMul"] = (node, to) => ElementRules.Binary(node, "Mul", to),
            ["QLinearAveragePool"] = (node, to) => ElementRules.Unary(node, "AveragePool", to),
            ["QLinearGlobalAveragePool"] = (node, to) => ElementRules.Unary(node, "GlobalAveragePool", to),
            ["QLinearLeakyRelu"] = (node, to) => ElementRules.Unary(node, "LeakyRelu", to),
            ["QLinearSigmoid"] = (node, to) => ElementRules.Unary(node, "Sigmoid", to),
            ["QLinearSoftmax"] = ElementRules.Softmax,
            ["QLinearConcat"] = ElementRules.Concat,
            ["QLinearWhere"] = ElementRules.Where,
            ["QuantizeLinear"] = ElementRules.AsStandard,
            ["DequantizeLinear"] = ElementRules.AsStandard,
        }.ToFrozenDictionary();

    /// <summary>Whether a standard operator computes with integers, so that what it multiplies by is no layer.</summary>
    /// <param name="node">The node.</param>
    public static bool IsStandard(NodeProto node) => node.IsStandard() && Standard.ContainsKey(node.OpType);

    /// <summary>Rewrites in place; bodies of loops and branches stay as they are.</summary>
    /// <param name="graph">Nodes in topological order.</param>
    /// <param name="file">Path that errors name.</param>
    public static void Rewrite(GraphProto graph, string file)
    {
        if (!graph.Node.Any(node => RuleOf(node) is not null))
        {
            return;
        }
        var to = new Dequantization(graph, file);
        foreach (var node in graph.Node.ToArray())
        {
            to.Keep(node, RuleOf(node));
        }
        to.Finish();
    }

    private static Func<NodeProto, Dequantization, bool>? RuleOf(NodeProto node) =>
        node.IsStandard() ? Standard.GetValueOrDefault(node.OpType)
        : node.Domain == Contributed ? OfRuntime.GetValueOrDefault(node.OpType)
        : null;
}
