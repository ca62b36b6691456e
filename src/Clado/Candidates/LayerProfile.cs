using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Candidates;

/// <summary>How a layer's weights lie on the grids of its widths, and where in the network it stands: for people.</summary>
/// <param name="Layer">Name of the layer.</param>
/// <param name="Block">Number of its residual or transformer block, ascending along the network.</param>
/// <param name="MeanSquare">Mean square of its weights. Range: [0, inf).</param>
/// <param name="Widths">Each of its widths. Shape: [widths].</param>
internal sealed record LayerProfile(string Layer, int Block, double MeanSquare, IReadOnlyList<WidthProfile> Widths)
{
    /// <summary>Looks at the weights of all layers.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="candidates">The candidates of one width each.</param>
    /// <returns>Shape: [layers].</returns>
    public static IReadOnlyList<LayerProfile> Of(Graph graph, CandidateSet candidates)
    {
        int[] blocks = Blocks.Of(graph, candidates.Layers);
        var byLayer = candidates.Items.Where(candidate => candidate.IsWhole).ToLookup(candidate => candidate.Layer.Name);
        return [.. candidates.Layers.Select((layer, i) => Of(graph, layer, blocks[i], byLayer[layer.Name]))];
    }

    private static LayerProfile Of(Graph graph, QuantizableLayer layer, int block, IEnumerable<Candidate> widths)
    {
        float[] weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
        double meanSquare = weights.Length == 0 ? 0 : weights.Sum(weight => (double)weight * weight) / weights.Length;
        return new(layer.Name, block, meanSquare, [.. widths.Select(candidate => WidthProfile.Of(weights, candidate))]);
    }
}

/// <summary>How weights lie on the grid of a width, whose steps are their channels' scales.</summary>
/// <param name="Bits">The width. Range: [2, 8].</param>
/// <param name="Weights">
/// How many float weights lie in each of 60 equal parts of [−1.25 · 2^(bits − 1), 1.25 · 2^(bits − 1)] steps; those beyond count to the
/// outermost. Shape: [60].
/// </param>
/// <param name="Codes">
/// How many weights have each code, from −2^(bits − 1) on; empty from 5 bits on, where there are too many to look at. Shape: [2^bits].
/// </param>
internal sealed record WidthProfile(int Bits, IReadOnlyList<int> Weights, IReadOnlyList<int> Codes)
{
    /// <summary>Parts that weights are counted in.</summary>
    public const int Parts = 60;

    // Beyond the grid there is room for what is cut off; codes of more bits than these are too many to tell apart.
    private const double Reach = 1.25;
    private const int MostCodeBits = 4;

    /// <summary>Whether it can be of a layer.</summary>
    public bool IsSound => Bits is >= 2 and <= 8 && Weights is { Count: Parts } && Weights.All(count => count >= 0)
        && Codes is not null && (Codes.Count == 0 || Codes.Count == 1 << Bits);

    /// <summary>Counts.</summary>
    /// <param name="weights">The float weights. Shape: [parameters].</param>
    /// <param name="candidate">The layer at a width.</param>
    public static WidthProfile Of(float[] weights, Candidate candidate)
    {
        var layer = candidate.Layer;
        int limit = 1 << (candidate.Bits - 1), stride = layer.ChannelStride, channels = layer.ChannelsPerMatrix;
        int matrix = Math.Max(1, weights.Length / layer.Matrices);
        var counts = new int[Parts];
        for (int i = 0; i < weights.Length; i++)
        {
            int channel = (i / matrix * channels) + (i % matrix / stride % channels);
            double steps = weights[i] / candidate.Scales[channel];
            counts[Math.Clamp((int)Math.Floor(((steps / (Reach * limit)) + 1) / 2 * Parts), 0, Parts - 1)]++;
        }
        var codes = new int[candidate.Bits <= MostCodeBits ? 2 * limit : 0];
        foreach (var code in codes.Length > 0 ? candidate.Codes : [])
        {
            codes[code + limit]++;
        }
        return new(candidate.Bits, counts, codes);
    }
}
