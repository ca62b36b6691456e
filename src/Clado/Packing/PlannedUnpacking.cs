using Clado.Activations;
using Clado.Candidates;
using Clado.Layers;

namespace Clado.Packing;

/// <summary>What unpacks the weights of a plan.</summary>
internal static class PlannedUnpacking
{
    /// <summary>The functions that a candidate's weight calls.</summary>
    /// <param name="candidate">The candidate.</param>
    /// <param name="plan">What is rounded; null where activations stay floats.</param>
    public static IEnumerable<(int Bits, Unpacking Unpacking)> Functions(this Candidate candidate, ActivationPlan? plan) =>
        candidate.RowBits is { } rows ? RowEncoding.Functions(rows)
            : [(candidate.Bits, plan?.UnpackingOf(candidate.Layer) ?? Unpacking.ForKernels)];

    /// <summary>What unpacks a layer's weight: where a repair has all of its kernels in floats, what is folded at load.</summary>
    /// <param name="plan">What is rounded.</param>
    /// <param name="layer">The layer.</param>
    public static Unpacking UnpackingOf(this ActivationPlan plan, QuantizableLayer layer) =>
        !layer.Nodes.Any(plan.Floats.Contains) || plan.Nodes.Any(node => node.Layer.Weight == layer.Weight) ? Unpacking.ForKernels
        : layer.ChannelAxis is null || layer.ChannelAxis == layer.Shape.Count - 1 ? Unpacking.FoldedAlongLast
        : layer.ChannelAxis == 0 ? Unpacking.FoldedAlongFirst
        : Unpacking.ForKernels;
}
