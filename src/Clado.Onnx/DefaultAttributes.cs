using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx;

/// <summary>
/// Attributes that say what their operator does without them (onnx.ai, "ONNX Operators", opset 21 to 25). Exporters write them all the
/// same, and a file pays some twenty bytes for each.
/// </summary>
internal static class DefaultAttributes
{
    // Of convolutions and poolings: lists with the same value for every axis, however many there are.
    private static readonly Dictionary<string, long> Windows =
        new() { ["dilations"] = 1, ["strides"] = 1, ["pads"] = 0, ["output_padding"] = 0 };

    private static readonly HashSet<string> WithWindows = ["AveragePool", "Conv", "ConvTranspose", "LpPool", "MaxPool"];

    private static readonly Dictionary<string, AttributeProto[]> Values = new()
    {
        ["ArgMax"] = [Attribute("axis", 0), Attribute("keepdims", 1), Attribute("select_last_index", 0)],
        ["ArgMin"] = [Attribute("axis", 0), Attribute("keepdims", 1), Attribute("select_last_index", 0)],
        ["AveragePool"] = [Attribute("auto_pad", "NOTSET"), Attribute("ceil_mode", 0), Attribute("count_include_pad", 0)],
        ["BatchNormalization"] = [Attribute("epsilon", 1e-5f), Attribute("momentum", 0.9f), Attribute("training_mode", 0)],
        ["Cast"] = [Attribute("saturate", 1)],
        ["Conv"] = [Attribute("auto_pad", "NOTSET"), Attribute("group", 1)],
        ["ConvTranspose"] = [Attribute("auto_pad", "NOTSET"), Attribute("group", 1)],
        ["DepthToSpace"] = [Attribute("mode", "DCR")],
        ["DequantizeLinear"] = [Attribute("axis", 1), Attribute("block_size", 0)],
        ["Elu"] = [Attribute("alpha", 1f)],
        ["Flatten"] = [Attribute("axis", 1)],
        ["Gather"] = [Attribute("axis", 0)],
        ["Gelu"] = [Attribute("approximate", "none")],
        ["Gemm"] = [Attribute("alpha", 1f), Attribute("beta", 1f), Attribute("transA", 0), Attribute("transB", 0)],
        ["HardSigmoid"] = [Attribute("alpha", 0.2f), Attribute("beta", 0.5f)],
        ["InstanceNormalization"] = [Attribute("epsilon", 1e-5f)],
        ["LayerNormalization"] = [Attribute("axis", -1), Attribute("epsilon", 1e-5f), Attribute("stash_type", 1)],
        ["LeakyRelu"] = [Attribute("alpha", 0.01f)],
        ["LogSoftmax"] = [Attribute("axis", -1)],
        ["MaxPool"] = [Attribute("auto_pad", "NOTSET"), Attribute("ceil_mode", 0), Attribute("storage_order", 0)],
        ["Pad"] = [Attribute("mode", "constant")],
        ["QuantizeLinear"] =
        [
            Attribute("axis", 1), Attribute("block_size", 0), Attribute("output_dtype", 0), Attribute("precision", 0),
            Attribute("saturate", 1),
        ],
        ["ReduceMax"] = Reduction(),
        ["ReduceMean"] = Reduction(),
        ["ReduceMin"] = Reduction(),
        ["ReduceSum"] = Reduction(),
        ["Reshape"] = [Attribute("allowzero", 0)],
        ["Resize"] =
        [
            Attribute("antialias", 0), Attribute("coordinate_transformation_mode", "half_pixel"), Attribute("cubic_coeff_a", -0.75f),
            Attribute("exclude_outside", 0), Attribute("extrapolation_value", 0f), Attribute("keep_aspect_ratio_policy", "stretch"),
            Attribute("mode", "nearest"), Attribute("nearest_mode", "round_prefer_floor"),
        ],
        ["Shape"] = [Attribute("start", 0)],
        ["Softmax"] = [Attribute("axis", -1)],
        ["Split"] = [Attribute("axis", 0)],
        ["TopK"] = [Attribute("axis", -1), Attribute("largest", 1), Attribute("sorted", 1)],
    };

    /// <summary>Takes them off a node.</summary>
    /// <param name="node">The node to change.</param>
    public static void Remove(NodeProto node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.IsStandard())
        {
            var values = Values.GetValueOrDefault(node.OpType, []);
            foreach (var attribute in node.Attribute.Where(a => values.Contains(a) || IsWindow(node, a)).ToArray())
            {
                node.Attribute.Remove(attribute);
            }
        }
    }

    /// <summary>Takes off a convolution the size of its kernel, which is that of its weight.</summary>
    /// <param name="node">The node to change.</param>
    /// <param name="weight">Dimensions of its weight. Shape: [rank].</param>
    public static void RemoveKernelShape(NodeProto node, IEnumerable<long> weight)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Find("kernel_shape") is { } kernel && kernel.Ints.SequenceEqual(weight.Skip(2)))
        {
            node.Attribute.Remove(kernel);
        }
    }

    private static bool IsWindow(NodeProto node, AttributeProto attribute) =>
        WithWindows.Contains(node.OpType) && Windows.TryGetValue(attribute.Name, out long usual)
        && attribute.RefAttrName.Length == 0 && attribute.Ints.All(value => value == usual);

    private static AttributeProto[] Reduction() => [Attribute("keepdims", 1), Attribute("noop_with_empty_axes", 0)];
}
