using static Clado.Onnx.TensorProto.Types;

namespace Clado.Onnx.Upgrade;

/// <summary>The types of real numbers other than float: half precision, in two kinds, and double precision.</summary>
internal static class FloatTypes
{
    // Attributes that say what an operator makes, or computes in, by operator.
    private static readonly Dictionary<string, string[]> TypeAttributes = new()
    {
        ["Attention"] = ["softmax_precision"],
        ["Bernoulli"] = ["dtype"],
        ["BlackmanWindow"] = ["output_datatype"],
        ["Cast"] = ["to"],
        ["DequantizeLinear"] = ["output_dtype"],
        ["EyeLike"] = ["dtype"],
        ["HammingWindow"] = ["output_datatype"],
        ["HannWindow"] = ["output_datatype"],
        ["LayerNormalization"] = ["stash_type"],
        ["MelWeightMatrix"] = ["output_datatype"],
        ["QuantizeLinear"] = ["precision"],
        ["RMSNormalization"] = ["stash_type"],
        ["RandomNormal"] = ["dtype"],
        ["RandomNormalLike"] = ["dtype"],
        ["RandomUniform"] = ["dtype"],
        ["RandomUniformLike"] = ["dtype"],
        ["SequenceEmpty"] = ["dtype"],
        ["SimplifiedLayerNormalization"] = ["stash_type"],
    };

    /// <summary>Whether a type is one of them.</summary>
    /// <param name="type">Number of the type in files.</param>
    public static bool IsOther(int type) => (DataType)type is DataType.Float16 or DataType.Bfloat16 or DataType.Double;

    /// <summary>Whether a value is a tensor of one of them; of sequences and optional values that of what is in them counts.</summary>
    /// <param name="type">Type of the value, or null.</param>
    public static bool IsOther(TypeProto? type) => type is not null && Elements(type).Any(element => IsOther(element.ElemType));

    /// <summary>Whether a model has a tensor of one of them anywhere, as far as it says so.</summary>
    /// <param name="model">The model.</param>
    public static bool AreOthersIn(ModelProto model) =>
        AreOthersIn(model.Graph) || GraphWalk.AtEveryDepth(model.Functions.SelectMany(f => f.Node)).Any(IsSaid);

    /// <summary>The attributes of a node that say a type.</summary>
    /// <param name="node">The node.</param>
    public static IEnumerable<AttributeProto> Said(NodeProto node) =>
        node.IsStandard() && TypeAttributes.TryGetValue(node.OpType, out var names)
            ? node.Attribute.Where(
                a => names.Contains(a.Name) && a.RefAttrName.Length == 0 && IsOther((int)Math.Clamp(a.I, 0, int.MaxValue)))
            : [];

    /// <summary>The tensor types in a type, which may be a sequence or an optional value.</summary>
    /// <param name="type">The type.</param>
    public static IEnumerable<TypeProto.Types.Tensor> Elements(TypeProto type) => type switch
    {
        { TensorType: { } tensor } => [tensor],
        { SequenceType.ElemType: { } inner } => Elements(inner),
        { OptionalType.ElemType: { } inner } => Elements(inner),
        { MapType.ValueType: { } inner } => Elements(inner),
        _ => [],
    };

    private static bool AreOthersIn(GraphProto graph) =>
        graph.Input.Concat(graph.Output).Any(value => IsOther(value.Type)) || graph.Initializer.Any(tensor => IsOther(tensor.DataType))
        || GraphWalk.AtEveryDepth(graph.Node).Any(IsSaid);

    /// <summary>Whether a node says one of them, by an attribute or a constant.</summary>
    /// <param name="node">The node.</param>
    public static bool IsSaid(NodeProto node) =>
        Said(node).Any() || node.Attribute.Any(a => a.T is { } tensor && IsOther(tensor.DataType));
}
