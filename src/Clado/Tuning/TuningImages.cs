using Clado.Graphs;
using Clado.Images;

namespace Clado.Tuning;

/// <summary>
/// Images to tune on: a network's own training images tell it little that it does not know for sure, so each comes mirrored or not, and
/// moved by up to an eighth of its sides, with its border mirrored. What comes depends on the epoch and the image's position alone.
/// </summary>
internal sealed class TuningImages
{
    // Of decoded images, at most this share of the memory is kept.
    private const int MemoryShare = 4;

    private readonly ImageBatches images;
    private readonly ImageShape shape;
    private readonly ImageBatch?[] kept;
    private readonly bool keeps;

    /// <summary>Nothing is decoded yet.</summary>
    /// <param name="graph">The network that they are for.</param>
    /// <param name="work">The images.</param>
    public TuningImages(Graph graph, Workload work)
    {
        (images, shape) = (work.Batches(graph, 1), ImageShape.Of(graph, work.Preprocessing));
        kept = new ImageBatch?[images.Count];
        keeps = sizeof(float) * (long)shape.ElementCount * images.Count <= work.Resources.MemoryBytes / MemoryShare;
    }

    /// <summary>How many there are.</summary>
    public int Count => images.Count;

    /// <summary>The order in which an epoch takes them. Shape: [images].</summary>
    /// <param name="epoch">Number of the epoch. Range: [1, inf).</param>
    public int[] Order(int epoch)
    {
        int[] order = [.. Enumerable.Range(0, Count)];
        new Random(-epoch).Shuffle(order);
        return order;
    }

    /// <summary>Some of them as a batch, as they come in an epoch. Safe from several threads, each with images of its own.</summary>
    /// <param name="epoch">Number of the epoch. Range: [1, inf).</param>
    /// <param name="positions">Which. Shape: [images].</param>
    public ImageBatch Batch(int epoch, ReadOnlySpan<int> positions)
    {
        var single = new ImageBatch[positions.Length];
        var pixels = new float[positions.Length * shape.ElementCount];
        for (int i = 0; i < single.Length; i++)
        {
            int position = positions[i];
            var image = single[i] = kept[position] ?? images.Load(position);
            kept[position] = keeps ? image : null;
            var random = new Random((epoch * Count) + position);
            ImageMotion.Draw(random, shape).Move(shape, image.Pixels, pixels.AsSpan(i * shape.ElementCount, shape.ElementCount));
        }
        return single[0] with
        {
            Pixels = pixels,
            Shape = [single.Length, .. single[0].Shape.Skip(1)],
            Items = [.. single.Select(image => image.Items[0])],
            Labels = single[0].Labels is null ? null : [.. single.Select(image => image.Labels![0])],
        };
    }
}
