using Clado.Activations;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Packing;

namespace Clado.Export;

/// <summary>
/// Biases as 32-bit integers on the grid of their node's sums, whose step is the input's scale times the channel's. So an integer kernel
/// adds them before it rescales (Jacob et al. 2018, equation 11).
/// </summary>
internal sealed class IntegerBiases
{
    // Half of what 32 bits hold: the other half is for the sum of products.
    private const double LargestCode = 1 << 30;

    private readonly Graph graph;
    private readonly QuantizedActivations activations;
    private readonly Dictionary<string, Candidate> candidates;

    /// <param name="graph">The float network.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="activations">The grids of its activations.</param>
    public IntegerBiases(Graph graph, IReadOnlyList<Candidate> chosen, QuantizedActivations activations)
    {
        (this.graph, this.activations) = (graph, activations);
        Chosen = [.. chosen.Select(Fitted)];
        candidates = Chosen.ToDictionary(c => c.Layer.Weight);
    }

    /// <summary>
    /// The candidates, their channels' scales raised where the grid of sums would be too fine for the bias: there all weights of a channel
    /// are tiny beside it.
    /// </summary>
    public IReadOnlyList<Candidate> Chosen { get; }

    /// <summary>A node's bias as its codes have it, by the very operations of the file. Shape: [channels].</summary>
    public float[] Rounded(IntegerNode node) =>
        [.. Floats(node).Select((bias, c) => (int)MathF.Round(bias / Step(node, c)) * Step(node, c))];

    private float Step(IntegerNode node, int channel)
    {
        // All channels may have one scale.
        var scales = candidates[node.Layer.Weight].Scales;
        return activations.Ranges.Scales[node.InputRange] * scales[channel % scales.Length];
    }

    private float[] Floats(IntegerNode node) => Floats(node, candidates[node.Layer.Weight]);

    private float[] Floats(IntegerNode node, Candidate candidate) =>
        node.Bias == candidate.Layer.Bias && candidate.Bias is { } corrected
            ? corrected
            : TensorData.ReadSingles(graph.File, graph.Initializers[node.Bias!]);

    private Candidate Fitted(Candidate candidate)
    {
        float[] scales = [.. candidate.Scales];
        foreach (var node in activations.Plan.Nodes.Where(n => n.Bias is not null && n.Layer.Weight == candidate.Layer.Weight))
        {
            var biases = Floats(node, candidate);
            for (int c = 0; c < biases.Length; c++)
            {
                // All channels may have one scale.
                ref float scale = ref scales[c % scales.Length];
                float least = (float)(Math.Abs(biases[c]) / (LargestCode * activations.Ranges.Scales[node.InputRange]));
                scale = least > scale ? candidate.Layer.ScaleFrom(least) : scale;
            }
        }
        if (scales.AsSpan().SequenceEqual(candidate.Scales))
        {
            return candidate;
        }
        int stride = candidate.Layer.ChannelStride;
        return candidate with
        {
            Scales = scales,
            Codes = [.. candidate.Codes.Select((code, i) => (i / stride % scales.Length) is var c && scales[c] == candidate.Scales[c]
                ? code
                : (sbyte)Math.Round(code * (double)candidate.Scales[c] / scales[c]))],
        };
    }
}
