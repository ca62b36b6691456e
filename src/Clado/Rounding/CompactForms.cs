using Clado.Candidates;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>
/// Decides in which form files have what is beside the codes of weights: names, scales (<see cref="ScaleCodes"/>) and biases
/// (<see cref="HalfConstants"/>). It follows from the network alone, so that sizes are known before anything is measured.
/// </summary>
internal static class CompactForms
{
    // The largest scale is at 2 bits, where rounding may clip nothing and stretch the grid (FeedbackRounding).
    private const float LargestShare = 3;

    // A channel whose largest weight is so many of the smallest scale has 7 bits at any rate.
    private const float LeastSteps = 64;

    // What is smaller than this share of the layer's largest weight may be coarser.
    private const float Negligible = 1f / 1024;

    /// <summary>The same space with compact forms wherever they lose nothing that rounding weights would notice.</summary>
    /// <param name="space">What is searched.</param>
    /// <param name="keepsNames">Whether files have the names of the network.</param>
    public static SearchSpace Of(SearchSpace space, bool keepsNames)
    {
        ArgumentNullException.ThrowIfNull(space);
        var graph = space.Graph;
        // What was quantized before has the very scales and biases of its grids.
        bool isQuantized = graph.ActivationGrids > 0;
        QuantizableLayer[] layers = [.. space.Layers.Layers];
        if (!isQuantized)
        {
            layers = Array.ConvertAll(layers, layer => WithForm(graph, layer));
            graph = HalfConstants.Rounded(graph, layers);
        }
        return Named(space with { Graph = graph, Layers = space.Layers with { Layers = layers } }, keepsNames);
    }

    /// <summary>The same space with short names alone.</summary>
    /// <param name="space">What is searched.</param>
    /// <param name="keepsNames">Whether files have the names of the network.</param>
    public static SearchSpace Named(SearchSpace space, bool keepsNames) =>
        keepsNames ? space : space with { Graph = space.Graph.WithShortNames() };

    /// <summary>Whether candidates have scales and biases of their layers' forms: those of earlier versions may not.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="candidates">The candidates.</param>
    public static bool Hold(Graph graph, CandidateSet candidates) => candidates.Items.All(candidate =>
        (!candidate.Layer.CodesScalesAt(candidate.Bits) || ScaleCodes.Hold(candidate.Scales))
        && (candidate.Bias is null || !HalfConstants.IsHalfBias(graph, candidate.Layer.Bias!) || HalfConstants.Hold(candidate.Bias)));

    private static QuantizableLayer WithForm(Graph graph, QuantizableLayer layer)
    {
        if (layer.Matrices > 1 || layer.ChannelAxis is null)
        {
            return layer;
        }
        float[] weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
        var largest = new float[layer.ChannelCount];
        for (int i = 0; i < weights.Length; i++)
        {
            ref float own = ref largest[i / layer.ChannelStride % largest.Length];
            own = Math.Max(own, Math.Abs(weights[i]));
        }
        float most = largest.Max(), least = most * Negligible;
        bool hasRange = most * LargestShare <= ScaleCodes.Largest
            && largest.All(own => own <= least || own >= ScaleCodes.Smallest * LeastSteps);
        return layer with { HasCodedScales = hasRange, GridBits = hasRange ? WeightGrid.Find(layer, weights)?.SignedBits : null };
    }
}
