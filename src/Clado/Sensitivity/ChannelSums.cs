using System.Numerics.Tensors;

namespace Clado.Sensitivity;

/// <summary>What the channels of a batch's images cost, part by part: parts may come from several threads, in any order.</summary>
/// <param name="layout">Where channels lie.</param>
/// <param name="batch">The batch.</param>
internal sealed class ChannelSums(ChannelOffsets layout, BatchMeasurement batch)
{
    private readonly QuadraticForm[] forms = batch.Forms();
    private readonly ChannelMoments[] parts = [.. batch.Linearized.Parts.Select(_ => new ChannelMoments(layout))];

    /// <summary>Adds a part.</summary>
    /// <param name="index">The part.</param>
    /// <param name="derivatives">Of its images along the directions. Shape: [images · channels · directions].</param>
    public void Add(int index, float[] derivatives)
    {
        var part = batch.Linearized.Parts[index];
        int size = derivatives.Length / part.Batch.Count;
        for (int image = 0; image < part.Batch.Count; image++)
        {
            parts[index].Add(derivatives.AsSpan(image * size, size), forms[part.First + image]);
        }
    }

    /// <summary>The sums over all parts, see <see cref="ChannelMoments.Values"/>.</summary>
    public float[] Total()
    {
        var total = new double[parts[0].Values.Length];
        foreach (var part in parts)
        {
            TensorPrimitives.Add(total, part.Values, total);
        }
        return Array.ConvertAll(total, value => (float)value);
    }
}
