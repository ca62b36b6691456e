namespace Clado.Onnx.Upgrade;

/// <summary>
/// Operators that from opset 7 to 25 only gained types, or attributes and inputs whose defaults are the old behaviour
/// (ONNX operator changelog, the versions of each). What they meant at opset 7 they mean still.
/// SimplifiedLayerNormalization is not ONNX's: ONNX Runtime writes it without a domain, in any opset.
/// </summary>
internal static class UnchangedOperators
{
    /// <summary>Their names. Shape: [operators].</summary>
    public static readonly IReadOnlyList<string> Names =
    [
        "Abs", "Acos", "Acosh", "Add", "AffineGrid", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "Attention",
        "AveragePool", "Bernoulli", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "BlackmanWindow", "Cast",
        "CastLike", "Ceil", "Celu", "CenterCropPad", "Col2Im", "Compress", "Concat", "ConcatFromSequence", "Constant", "ConstantOfShape",
        "Conv", "ConvInteger", "ConvTranspose", "Cos", "Cosh", "CumSum", "DeformConv", "DepthToSpace", "DequantizeLinear", "Det", "Div",
        "DynamicQuantizeLinear", "Einsum", "Elu", "Equal", "Erf", "Exp", "Expand", "EyeLike", "Flatten", "Floor", "GRU", "Gather",
        "GatherElements", "GatherND", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "HammingWindow",
        "HannWindow", "HardSigmoid", "HardSwish", "Identity", "If", "ImageDecoder", "InstanceNormalization", "IsInf", "IsNaN", "LRN",
        "LSTM", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "Loop", "LpNormalization", "LpPool", "MatMul",
        "MatMulInteger", "Max", "MaxPool", "MaxRoiPool", "MaxUnpool", "Mean", "MelWeightMatrix", "Min", "Mish", "Mod", "Mul", "Neg",
        "NegativeLogLikelihoodLoss", "NonMaxSuppression", "NonZero", "Not", "OneHot", "Optional", "OptionalGetElement",
        "OptionalHasElement", "Or", "PRelu", "Pow", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "RMSNormalization", "RNN",
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range", "Reciprocal", "RegexFullMatch", "Relu",
        "Reshape", "ReverseSequence", "RotaryEmbedding", "Round", "STFT", "ScatterElements", "ScatterND", "Selu", "SequenceAt",
        "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap", "Shape", "Shrink",
        "Sigmoid", "Sign", "SimplifiedLayerNormalization", "Sin", "Sinh", "Size", "SoftmaxCrossEntropyLoss", "Softplus", "Softsign",
        "SpaceToDepth", "SplitToSequence", "Sqrt", "StringConcat", "StringNormalizer", "StringSplit", "Sub", "Sum", "Tan", "Tanh",
        "TensorScatter", "TfIdfVectorizer", "ThresholdedRelu", "Tile", "Transpose", "Trilu", "Unique", "Where", "Xor",
    ];
}
