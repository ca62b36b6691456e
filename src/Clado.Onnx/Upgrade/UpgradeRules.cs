using System.Collections.Frozen;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// What changed in each operator between opset 7 and 25, from the ONNX operator changelog (onnx/docs/Changelog.md).
/// The rules lie by family, each with the operator's version that made the change. An operator that is not in the table is an error:
/// a rewrite that silently changes a model's meaning is worse than none.
/// </summary>
internal static class UpgradeRules
{
    private static readonly FrozenDictionary<string, UpgradeRule> Rules = Unchanged().Concat(Changed()).ToFrozenDictionary();

    /// <summary>The rule of an operator; below opset 7 the one that brings it there comes first.</summary>
    /// <param name="opType">Name of the operator.</param>
    /// <param name="opset">The opset the node comes from.</param>
    /// <returns>null where the operator is not known.</returns>
    public static UpgradeRule? Find(string opType, int opset)
    {
        if (Rules.GetValueOrDefault(opType) is not { } rule)
        {
            return null;
        }
        return opset >= EarlyRules.Until ? rule : EarlyRules.Apply + rule;
    }

    private static IEnumerable<KeyValuePair<string, UpgradeRule>> Unchanged() =>
        UnchangedOperators.Names.Select(name => KeyValuePair.Create<string, UpgradeRule>(name, (_, _) => { }));

    private static Dictionary<string, UpgradeRule> Changed() => new()
    {
        ["Affine"] = RemovedOperators.Affine,
        ["BatchNormalization"] = NormalizationRules.BatchNormalization,
        ["Clip"] = ValueRules.Clip,
        ["Crop"] = RemovedOperators.Crop,
        ["DFT"] = SequenceRules.FourierTransform,
        ["Dropout"] = NormalizationRules.Dropout,
        ["DynamicSlice"] = RemovedOperators.DynamicSlice,
        ["GlobalLpPool"] = ValueRules.GlobalLpPool,
        ["GridSample"] = SamplingRules.GridSample,
        ["GroupNormalization"] = NormalizationRules.GroupNormalization,
        ["Hardmax"] = SoftmaxRules.Softmax,
        ["ImageScaler"] = RemovedOperators.ImageScaler,
        ["LogSoftmax"] = SoftmaxRules.Softmax,
        ["MeanVarianceNormalization"] = NormalizationRules.MeanVariance,
        ["Pad"] = ValueRules.Pad,
        ["ParametricSoftplus"] = RemovedOperators.ParametricSoftplus,
        ["ReduceL1"] = AxesRules.Reduce,
        ["ReduceL2"] = AxesRules.Reduce,
        ["ReduceLogSum"] = AxesRules.Reduce,
        ["ReduceLogSumExp"] = AxesRules.Reduce,
        ["ReduceMax"] = AxesRules.Reduce,
        ["ReduceMean"] = AxesRules.Reduce,
        ["ReduceMin"] = AxesRules.Reduce,
        ["ReduceProd"] = AxesRules.Reduce,
        ["ReduceSum"] = AxesRules.ReduceSum,
        ["ReduceSumSquare"] = AxesRules.Reduce,
        ["Resize"] = SamplingRules.Resize,
        ["RoiAlign"] = SamplingRules.RoiAlign,
        ["Scale"] = RemovedOperators.Scale,
        ["ScaledTanh"] = RemovedOperators.ScaledTanh,
        ["Scan"] = SequenceRules.Scan,
        ["Scatter"] = SelectionRules.Scatter,
        ["Slice"] = SelectionRules.Slice,
        ["Softmax"] = SoftmaxRules.Softmax,
        ["Split"] = SelectionRules.Split,
        ["Squeeze"] = AxesRules.Squeeze,
        ["Swish"] = ValueRules.Swish,
        ["TopK"] = SelectionRules.TopK,
        ["Unsqueeze"] = AxesRules.Squeeze,
        ["Upsample"] = SamplingRules.Upsample,
    };
}
