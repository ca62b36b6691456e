using System.Collections.Frozen;
using Clado.Gradients.Rules;
using Clado.Onnx;

namespace Clado.Gradients;

/// <summary>Gives the gradients by a node's inputs from those by its outputs.</summary>
internal delegate void GradientRule(LocalGradient at);

/// <summary>One rule an operator, by family (docs/gradients.md has the formulas).</summary>
internal static class GradientRules
{
    private static readonly FrozenSet<string> Flat = new[]
    {
        "ArgMax", "ArgMin", "Bernoulli", "Ceil", "ConstantOfShape", "EyeLike", "Floor", "Hardmax", "Multinomial", "RandomNormalLike",
        "RandomUniformLike", "Round", "Shape", "Sign", "Size",
    }.ToFrozenSet();

    private static readonly FrozenDictionary<string, GradientRule> Rules = new[]
    {
        ArithmeticRules.Table, ActivationRules.Table, FunctionRules.Table, ProductRules.Table, ConvolutionRules.Table, PoolingRules.Table,
        NormalizationRules.Table, SoftmaxRules.Table, ReductionRules.Table, ShapeRules.Table, JoiningRules.Table, SelectionRules.Table,
        ScatterRules.Table, ResizeRules.Table, QuantizationRules.Table, AttentionRules.Table,
    }.SelectMany(table => table).ToFrozenDictionary();

    /// <summary>Operators with a rule. Shape: [operators].</summary>
    public static IEnumerable<string> Operators => Rules.Keys;

    /// <summary>Operators whose outputs do not change with small changes of their inputs. Shape: [operators].</summary>
    public static IEnumerable<string> FlatOperators => Flat;

    /// <summary>The rule of a node's operator; null where there is none.</summary>
    public static GradientRule? Find(NodeProto node) => node.IsStandard() ? Rules.GetValueOrDefault(node.OpType) : null;

    /// <summary>Whether a node's derivative is zero wherever it has one.</summary>
    public static bool IsFlat(NodeProto node) => node.IsStandard() && Flat.Contains(node.OpType);

    /// <summary>The operator with its domain.</summary>
    public static string NameOf(NodeProto node) => node.IsStandard() ? node.OpType : $"{node.Domain}.{node.OpType}";
}
