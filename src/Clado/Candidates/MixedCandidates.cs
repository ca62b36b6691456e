using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Candidates;

/// <summary>Makes candidates whose rows (output channels) have widths of their own, of rows of those that have one width.</summary>
internal static class MixedCandidates
{
    /// <summary>Puts rows of several widths together.</summary>
    /// <param name="graph">The network, whose biases rows have that are not corrected.</param>
    /// <param name="whole">Candidates of one layer, of one width each. Shape: [widths].</param>
    /// <param name="rowBits">Width of every row, one of theirs. Shape: [channels].</param>
    /// <returns>The candidate; its size is not known yet.</returns>
    public static Candidate Of(Graph graph, IReadOnlyList<Candidate> whole, IReadOnlyList<int> rowBits)
    {
        var layer = whole[0].Layer;
        var byWidth = whole.ToDictionary(candidate => candidate.Bits);
        Candidate[] rows = [.. rowBits.Select(bits => byWidth[bits])];
        var (codes, scales) = (new sbyte[layer.Parameters], new float[layer.ChannelCount]);
        float[]? bias = rows.Any(row => row.Bias is not null)
            ? TensorData.ReadSingles(graph.File, graph.Initializers[layer.Bias!]) : null;
        foreach (var (row, own) in rows.Index())
        {
            foreach (int position in layer.Positions(row))
            {
                codes[position] = own.Codes[position];
            }
            scales[row] = own.Scales[row];
            if (bias is not null && own.Bias is { } corrected)
            {
                bias[row] = corrected[row];
            }
        }
        var candidate = new Candidate
        {
            Layer = layer,
            Bits = rowBits.Max(),
            RowBits = [.. rowBits],
            Codes = codes,
            Scales = scales,
            Bias = bias,
            SizeBytes = 0,
            SquaredError = 0,
        };
        return candidate with { SquaredError = SquaredError(graph, candidate) };
    }

    /// <summary>The same candidates, and behind those of each layer its mixed ones.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="candidates">Candidates of one width each.</param>
    /// <param name="mixtures">Of every layer, width of every row. Shape: [layers][mixtures][channels].</param>
    public static CandidateSet Add(Graph graph, CandidateSet candidates, IReadOnlyList<IReadOnlyList<int[]>> mixtures) => new(
        candidates.Layers,
        [.. mixtures.SelectMany((own, layer) =>
        {
            Candidate[] whole = [.. candidates.Items.Where((_, row) => candidates.LayerOf[row] == layer)];
            return whole.Concat(own.Select(rowBits => Of(graph, whole, rowBits)));
        })]);

    private static double SquaredError(Graph graph, Candidate candidate)
    {
        float[] weights = TensorData.ReadSingles(graph.File, graph.Initializers[candidate.Layer.Weight]);
        return weights.Zip(candidate.Dequantize(), (weight, rounded) => ((double)weight - rounded) * ((double)weight - rounded)).Sum();
    }
}
