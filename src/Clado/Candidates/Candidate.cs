using System.Numerics.Tensors;
using Clado.Layers;

namespace Clado.Candidates;

/// <summary>A layer at a bit-width: the codes that would be written, and what they cost.</summary>
public sealed record Candidate
{
    internal Candidate()
    {
    }

    /// <summary>The layer.</summary>
    public required QuantizableLayer Layer { get; init; }

    /// <summary>Bits a weight; where rows have widths of their own, the widest. Range: [2, 8].</summary>
    public required int Bits { get; init; }

    /// <summary>
    /// Bits a weight of every row (output channel); null where all have <see cref="Bits"/>. Shape: [channels]. Range: [2, 8].
    /// </summary>
    public IReadOnlyList<int>? RowBits { get; init; }

    /// <summary>Bits a weight in the mean. Range: [2, 8].</summary>
    public double MeanBits => RowBits?.Average() ?? Bits;

    /// <summary>Whether all weights have one width.</summary>
    internal bool IsWhole => RowBits is null;

    /// <summary>Bits of all codes.</summary>
    internal long CodeBits => RowBits is { } rows
        ? rows.Sum(bits => (long)bits) * (Layer.Parameters / rows.Count) : Bits * Layer.Parameters;

    /// <summary>Bit operations an image: MACs × weight bits × activation bits (32 for floats), rounded up.</summary>
    /// <param name="activationBits">Bits an activation: 8, or 32 for floats.</param>
    internal long BitOperations(int activationBits) => RowBits is null
        ? Layer.BitOperations(Bits, activationBits) : (long)Math.Ceiling(Layer.Macs * MeanBits * activationBits);

    /// <summary>Signed codes, in the weight's order. Shape: [parameters]. Range: [-2^(bits-1), 2^(bits-1)-1].</summary>
    internal sbyte[] Codes { get; init; } = [];

    /// <summary>Scale of each channel. Shape: [channels]. Range: finite, not 0.</summary>
    internal float[] Scales { get; init; } = [];

    /// <summary>What takes the place of the layer's bias; null where that stays as it is. Shape: [channels].</summary>
    internal float[]? Bias { get; init; }

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
        var (size, channels) = (weights.Length / Layer.Matrices, Layer.ChannelsPerMatrix);
        for (int matrix = 0; matrix < Layer.Matrices; matrix++)
        {
            Scale(weights.AsSpan(matrix * size, size), Scales.AsSpan(matrix * channels, channels), Layer.ChannelStride);
        }
        return weights;
    }

    private static void Scale(Span<float> weights, ReadOnlySpan<float> scales, int stride)
    {
        if (stride == 1)
        {
            // Neighbours belong to neighbouring channels: a row of them at a time.
            for (int start = 0; start < weights.Length; start += scales.Length)
            {
                var row = weights.Slice(start, scales.Length);
                TensorPrimitives.Multiply(row, scales, row);
            }
            return;
        }
        for (int start = 0; start < weights.Length; start += stride)
        {
            var run = weights.Slice(start, stride);
            TensorPrimitives.Multiply(run, scales[start / stride % scales.Length], run);
        }
    }
}
