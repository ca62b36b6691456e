using System.Numerics.Tensors;
using Clado.Layers;

namespace Clado.Candidates;

/// <summary>A layer at a bit-width: the codes that would be written, and what they cost.</summary>
public sealed record Candidate
{
    /// <summary>The layer.</summary>
    public required QuantizableLayer Layer { get; init; }

    /// <summary>Bits a weight. Range: [2, 8].</summary>
    public required int Bits { get; init; }

    /// <summary>Signed codes, in the weight's order. Shape: [parameters]. Range: [-2^(bits-1), 2^(bits-1)-1].</summary>
    public required sbyte[] Codes { get; init; }

    /// <summary>Scale of each channel. Shape: [channels]. Range: finite, not 0.</summary>
    public required float[] Scales { get; init; }

    /// <summary>What takes the place of the layer's bias; null where that stays as it is. Shape: [channels].</summary>
    public float[]? Bias { get; init; }

    /// <summary>Bytes the layer's weight takes in the written file: packed codes, scales, and the nodes that unpack them.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Sum of squared differences to the float weights.</summary>
    public required double SquaredError { get; init; }

    /// <summary>The weights as ONNX Runtime sees them: code × scale, in single precision.</summary>
    /// <returns>Shape: [parameters].</returns>
    public float[] Dequantize()
    {
        var weights = new float[Codes.Length];
        TensorPrimitives.ConvertChecked<sbyte, float>(Codes, weights);
        int stride = Layer.ChannelStride;
        if (stride == 1)
        {
            // Neighbours belong to neighbouring channels: a row of them at a time.
            for (int start = 0; start < weights.Length; start += Scales.Length)
            {
                var row = weights.AsSpan(start, Scales.Length);
                TensorPrimitives.Multiply(row, Scales, row);
            }
            return weights;
        }
        for (int start = 0; start < weights.Length; start += stride)
        {
            var run = weights.AsSpan(start, stride);
            TensorPrimitives.Multiply(run, Scales[start / stride % Scales.Length], run);
        }
        return weights;
    }
}

/// <summary>All candidates of a network, layer by layer, widths ascending: the order of the rows of a sensitivity matrix.</summary>
/// <param name="Layers">The layers that are searched. Shape: [layers].</param>
/// <param name="Items">The candidates. Shape: [candidates].</param>
public sealed record CandidateSet(IReadOnlyList<QuantizableLayer> Layers, IReadOnlyList<Candidate> Items)
{
    /// <summary>Position of each candidate's layer among <see cref="Layers"/>. Shape: [candidates].</summary>
    public int[] LayerOf { get; } = Positions(Layers, Items);

    /// <summary>All layers at one width; a layer that does not have it (a pin) takes the nearest it has, the wider of two.</summary>
    /// <param name="bits">The width. Range: [2, 8].</param>
    /// <returns>One candidate a layer. Shape: [layers].</returns>
    public IReadOnlyList<Candidate> Uniform(int bits) =>
        [.. Items.GroupBy(c => c.Layer.Index).Select(layer => layer.OrderBy(c => Math.Abs(c.Bits - bits)).ThenByDescending(c => c.Bits).First())];

    /// <summary>Rows of chosen candidates of this set.</summary>
    /// <param name="chosen">One a layer. Shape: [layers].</param>
    internal int[] RowsOf(IReadOnlyList<Candidate> chosen) =>
        [.. chosen.Select(c => Enumerable.Range(0, Items.Count).First(row => ReferenceEquals(Items[row], c)))];

    private static int[] Positions(IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<Candidate> items)
    {
        var position = layers.Select((layer, i) => (layer.Name, i)).ToDictionary(p => p.Name, p => p.i);
        return [.. items.Select(c => position[c.Layer.Name])];
    }
}
