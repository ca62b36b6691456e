using System.Collections.Frozen;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// What changed in each operator between opset 7 and 25, from the ONNX operator changelog. An operator that is not in the table is an error:
/// a rewrite that silently changes a model's meaning is worse than none.
/// </summary>
internal static class UpgradeRules
{
    // From opset 7 on these only gained types, or attributes and inputs whose defaults are the old behaviour.
    private static readonly string[] Unchanged =
    [
        "Abs", "Acos", "Acosh", "Add", "AffineGrid", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "Attention", "AveragePool",
        "Bernoulli", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "BlackmanWindow", "Cast", "CastLike", "Ceil", "Celu",
        "CenterCropPad", "Col2Im", "Compress", "Concat", "ConcatFromSequence", "Constant", "ConstantOfShape", "Conv", "ConvInteger",
        "ConvTranspose", "Cos", "Cosh", "CumSum", "DeformConv", "DepthToSpace", "DequantizeLinear", "Det", "Div", "DynamicQuantizeLinear",
        "Einsum", "Elu", "Equal", "Erf", "Exp", "Expand", "EyeLike", "Flatten", "Floor", "GRU", "Gather", "GatherElements", "GatherND", "Gelu", "Gemm",
        "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "HammingWindow", "HannWindow", "HardSigmoid",
        "HardSwish", "Identity", "If", "InstanceNormalization", "IsInf", "IsNaN", "LRN", "LSTM", "LayerNormalization", "LeakyRelu", "Less",
        "LessOrEqual", "Log", "Loop", "LpNormalization", "LpPool", "MatMul", "MatMulInteger", "Max", "MaxPool", "MaxRoiPool", "MaxUnpool", "Mean",
        "MeanVarianceNormalization", "MelWeightMatrix", "Min", "Mish", "Mod", "Mul", "Neg", "NegativeLogLikelihoodLoss", "NonMaxSuppression",
        "NonZero", "Not", "OneHot", "Optional", "OptionalGetElement", "OptionalHasElement", "Or", "PRelu", "Pow", "QLinearConv", "QLinearMatMul",
        "QuantizeLinear", "RMSNormalization", "RNN", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range",
        "Reciprocal", "Relu", "Reshape", "ReverseSequence", "RotaryEmbedding", "Round", "STFT", "ScatterElements", "ScatterND", "Selu",
        "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "Shape", "Shrink", "Sigmoid",
        "Sign", "Sin", "Sinh", "Size", "SoftmaxCrossEntropyLoss", "Softplus", "Softsign", "SpaceToDepth", "SplitToSequence", "Sqrt", "Sub", "Sum",
        "Swish", "Tan", "Tanh", "TensorScatter", "TfIdfVectorizer", "ThresholdedRelu", "Tile", "Transpose", "Trilu", "Unique", "Where", "Xor",
    ];

    private static readonly FrozenDictionary<string, UpgradeRule> Rules = new Dictionary<string, UpgradeRule>(
        Unchanged.Select(op => KeyValuePair.Create<string, UpgradeRule>(op, (_, _) => { })))
    {
        ["BatchNormalization"] = BatchNormalization,
        ["Clip"] = Clip,
        ["DFT"] = Transform,
        ["Dropout"] = Dropout,
        ["GridSample"] = GridSample,
        ["GroupNormalization"] = GroupNormalization,
        ["Hardmax"] = Softmax,
        ["LogSoftmax"] = Softmax,
        ["Pad"] = Pad,
        ["ReduceL1"] = Reduce,
        ["ReduceL2"] = Reduce,
        ["ReduceLogSum"] = Reduce,
        ["ReduceLogSumExp"] = Reduce,
        ["ReduceMax"] = Reduce,
        ["ReduceMean"] = Reduce,
        ["ReduceMin"] = Reduce,
        ["ReduceProd"] = Reduce,
        ["ReduceSum"] = Reduce,
        ["ReduceSumSquare"] = Reduce,
        ["Resize"] = Resize,
        ["RoiAlign"] = RoiAlign,
        ["Scan"] = Scan,
        ["Scatter"] = Scatter,
        ["Slice"] = Slice,
        ["Softmax"] = Softmax,
        ["Split"] = Split,
        ["Squeeze"] = AxesBecomeInput,
        ["TopK"] = TopK,
        ["Unsqueeze"] = AxesBecomeInput,
        ["Upsample"] = Upsample,
    }.ToFrozenDictionary();

    /// <summary>The rule of an operator; below opset 7 the one that brings it there comes first.</summary>
    public static UpgradeRule? Find(string opType, int opset) => Rules.GetValueOrDefault(opType) is not { } rule ? null
        : opset >= EarlyRules.Until ? rule
        : (node, context) =>
        {
            EarlyRules.Apply(node, context);
            rule(node, context);
        };

    private static void BatchNormalization(NodeProto node, UpgradeContext context)
    {
        // Opset 14 made training an attribute; before, extra outputs meant training. Opset 9 dropped 'spatial'.
        if (node.Take("spatial") is { I: 0 } || (context.Opset < 14 && node.Output.Skip(1).Any(o => o.Length > 0)))
        {
            throw context.Error(node, "BatchNormalization in training or per-element form; export the model in evaluation mode");
        }
        if (context.Opset < 14)
        {
            TrimTo(node.Output, 1);
        }
    }

    private static void Clip(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 11)
        {
            // An empty name is an absent optional input.
            node.Input.Add(node.Take("min") is { } min ? context.Scalar($"{node.Output[0]}_min", min.F) : "");
            node.Input.Add(node.Take("max") is { } max ? context.Scalar($"{node.Output[0]}_max", max.F) : "");
        }
    }

    private static void Dropout(NodeProto node, UpgradeContext context)
    {
        if (context.Opset >= 12)
        {
            return;
        }
        if (node.Output.Skip(1).Any(o => o.Length > 0))
        {
            throw context.Error(node, "Dropout with a mask output; export the model in evaluation mode");
        }
        node.OpType = "Identity";
        node.Attribute.Clear();
        TrimTo(node.Output, 1);
    }

    private static void GridSample(NodeProto node, UpgradeContext context)
    {
        // Opset 20 renamed the modes.
        if (context.Opset < 20 && node.Find("mode") is { } mode && mode.S.ToStringUtf8() is "bilinear" or "bicubic")
        {
            mode.S = Google.Protobuf.ByteString.CopyFromUtf8(mode.S.ToStringUtf8()[2..] is "linear" ? "linear" : "cubic");
        }
    }

    private static void GroupNormalization(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 21)
        {
            throw context.Error(node, "GroupNormalization with a scale a group, which opset 21 made a scale a channel; export with opset 21 or without it");
        }
    }

    private static void Pad(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 11)
        {
            node.Input.Add(context.Integers($"{node.Output[0]}_pads", [.. node.Take("pads")?.Ints ?? []]));
            node.Input.Add(context.Scalar($"{node.Output[0]}_value", node.Take("value")?.F ?? 0));
        }
    }

    private static void Reduce(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < (node.OpType == "ReduceSum" ? 13 : 18))
        {
            AxesBecomeInputNow(node, context);
        }
    }

    private static void AxesBecomeInput(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 13)
        {
            AxesBecomeInputNow(node, context);
        }
    }

    private static void AxesBecomeInputNow(NodeProto node, UpgradeContext context)
    {
        if (node.Take("axes") is { } axes)
        {
            node.Input.Add(context.Integers($"{node.Output[0]}_axes", [.. axes.Ints]));
        }
    }

    private static void Resize(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 11)
        {
            Asymmetric(node, node.Input[1]);
        }
        else if (context.Opset < 13
            && node.Find("coordinate_transformation_mode") is { } mode && mode.S.ToStringUtf8() == "tf_half_pixel_for_nn")
        {
            throw context.Error(node, "Resize with tf_half_pixel_for_nn, which opset 13 dropped; export with another resizing");
        }
    }

    private static void Upsample(NodeProto node, UpgradeContext context)
    {
        Asymmetric(node, context.Opset < 9
            ? context.Singles($"{node.Output[0]}_scales", [.. node.Take("scales")?.Floats ?? throw context.Error(node, "Upsample without scales")])
            : node.Input[1]);
        node.OpType = "Resize";
    }

    // Resize-10 and Upsample sampled at x·(1/scale), rounding down: what later versions call asymmetric and floor.
    private static void Asymmetric(NodeProto node, string scales)
    {
        var data = node.Input[0];
        node.Input.Clear();
        node.Input.Add([data, "", scales]);
        node.Attribute.Add([Attribute("coordinate_transformation_mode", "asymmetric"), Attribute("nearest_mode", "floor")]);
    }

    private static void RoiAlign(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 16)
        {
            node.Attribute.Add(Attribute("coordinate_transformation_mode", "output_half_pixel"));
        }
    }

    private static void Scan(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 9)
        {
            throw context.Error(node, "Scan with a batch axis, which opset 9 dropped; export with opset 9 or later");
        }
    }

    private static void Scatter(NodeProto node, UpgradeContext context) => node.OpType = "ScatterElements";

    private static void Slice(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 10)
        {
            foreach (var part in (string[])["starts", "ends", "axes"])
            {
                if (node.Take(part) is { } values)
                {
                    node.Input.Add(context.Integers($"{node.Output[0]}_{part}", [.. values.Ints]));
                }
            }
        }
    }

    private static void Softmax(NodeProto node, UpgradeContext context)
    {
        if (context.Opset >= 13)
        {
            return;
        }
        // Until opset 12 the input was flattened to [before axis, from axis on], and the softmax taken over all of the second part.
        // On the last axis that is the same as now.
        var axis = node.Take("axis")?.I ?? 1;
        if (axis == -1 || axis == context.Rank(node.Output[0]) - 1)
        {
            node.Attribute.Add(Attribute("axis", -1));
            return;
        }
        var (data, result) = (node.Input[0], node.Output[0]);
        var (shape, flat, soft) = (context.Fresh($"{result}_shape"), context.Fresh($"{result}_flat"), context.Fresh($"{result}_soft"));
        context.Before(Node("Shape", [data], shape));
        context.Before(Node("Flatten", [data], flat, Attribute("axis", axis)));
        node.Input[0] = flat;
        node.Output[0] = soft;
        node.Attribute.Add(Attribute("axis", -1));
        context.After(Node("Reshape", [soft, shape], result));
    }

    private static void Split(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 13 && node.Take("split") is { } split)
        {
            node.Input.Add(context.Integers($"{node.Output[0]}_split", [.. split.Ints]));
        }
        if (context.Opset < 18 && node.Input.Count < 2)
        {
            node.Attribute.Add(Attribute("num_outputs", node.Output.Count));
        }
    }

    private static void TopK(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 10)
        {
            node.Input.Add(context.Integers($"{node.Output[0]}_k", node.Take("k")?.I ?? throw context.Error(node, "TopK without k")));
        }
    }

    private static void Transform(NodeProto node, UpgradeContext context)
    {
        // Opset 20 made the axis an input; its default went from 1 to -2.
        if (context.Opset < 20)
        {
            if (node.Input.Count < 2)
            {
                node.Input.Add("");
            }
            node.Input.Add(context.Integer($"{node.Output[0]}_axis", node.Take("axis")?.I ?? 1));
        }
    }

    private static void TrimTo(Google.Protobuf.Collections.RepeatedField<string> list, int count)
    {
        while (list.Count > count)
        {
            list.RemoveAt(list.Count - 1);
        }
    }
}
