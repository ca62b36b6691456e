using Clado.Execution;
using Clado.Graphs;
using Clado.Images;

namespace Clado.Tuning;

/// <summary>
/// What images are at the beginning and at the end of each block: in the float network, and behind the blocks that are tuned already. As
/// far as memory allows it is carried from block to block; else every image goes through all blocks before again, to the same bits.
/// </summary>
internal sealed class BlockImages : IDisposable
{
    // Of the memory, at most this share is kept.
    private const int MemoryShare = 3;

    private readonly Graph graph;
    private readonly IReadOnlyList<TunedBlock> blocks;
    private readonly ImageBatches images;
    private readonly SideBySide sideBySide;
    private readonly List<GraphSession> floats = [], quantized = [];
    private readonly BlockSample?[] kept;
    private readonly bool keeps;

    /// <summary>Begins before the first block.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="blocks">Its blocks. Shape: [blocks].</param>
    /// <param name="work">The images.</param>
    public BlockImages(Graph graph, IReadOnlyList<TunedBlock> blocks, Workload work)
    {
        (this.graph, this.blocks, images, sideBySide) = (graph, blocks, work.Batches(graph, 1), work.SideBySide);
        keeps = Fit(graph, blocks, work, 1);
        kept = new BlockSample?[images.Count];
    }

    /// <summary>Whether what images are at any block is small enough to be kept.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="blocks">Its blocks. Shape: [blocks].</param>
    /// <param name="work">The images.</param>
    /// <param name="versions">How often each image comes. Range: [1, inf).</param>
    public static bool Fit(Graph graph, IReadOnlyList<TunedBlock> blocks, Workload work, int versions)
    {
        long Elements(string tensor) => graph.Tensors[tensor].ElementCount;
        long bytes = sizeof(float) * blocks.Max(block => Elements(block.From) + block.To.Sum(Elements));
        return bytes * work.Images.Items.Count * versions <= work.Resources.MemoryBytes / MemoryShare;
    }

    /// <summary>How many there are.</summary>
    public int Count => images.Count;

    /// <summary>Goes on to the next block; the first time to the first one.</summary>
    /// <param name="network">The network that codes run in, with the blocks before as they are now.</param>
    public void Advance(Graph network)
    {
        int next = floats.Count;
        if (next > 0)
        {
            quantized.Add(Session(network, blocks[next - 1]));
        }
        floats.Add(Session(graph, blocks[next]));
        if (keeps)
        {
            sideBySide.For(kept.Length, image => kept[image] = Make(image));
        }
    }

    /// <summary>Some images at the block that was gone to last. Safe from several threads.</summary>
    /// <param name="positions">Which. Shape: [images].</param>
    public BlockBatch Batch(ReadOnlySpan<int> positions)
    {
        var samples = new BlockSample[positions.Length];
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = kept[positions[i]] ?? Make(positions[i]);
        }
        return new BlockBatch(
            samples.Length, Joined(samples, sample => sample.Quantized),
            [.. samples[0].To.Select((_, output) => Joined(samples, sample => sample.To[output]))]);
    }

    public void Dispose()
    {
        foreach (var session in floats.Concat(quantized))
        {
            session.Dispose();
        }
    }

    private BlockSample Make(int image)
    {
        int last = floats.Count - 1;
        var sample = kept[image];
        for (int block = sample is null ? 0 : last; block <= last; block++)
        {
            // Of a block before the last only what the next one takes is of use.
            float[] from = sample?.To[0] ?? images.Load(image).Pixels;
            float[] rounded = sample is null ? from : Run(quantized[block - 1], blocks[block - 1], sample.Quantized)[0];
            sample = new BlockSample(rounded, Run(floats[block], blocks[block], from));
        }
        return sample!;
    }

    private float[][] Run(GraphSession session, TunedBlock block, float[] from)
    {
        using var feed = graph.Feed(block.From, from, 1);
        using var outputs = session.Run(feed);
        var found = session.Outputs.Zip(outputs, KeyValuePair.Create).ToDictionary();
        return [.. block.To.Select(name => found[name].Singles())];
    }

    private static float[] Joined(BlockSample[] samples, Func<BlockSample, float[]> values)
    {
        int size = values(samples[0]).Length;
        var joined = new float[samples.Length * size];
        for (int i = 0; i < samples.Length; i++)
        {
            values(samples[i]).CopyTo(joined.AsSpan(i * size));
        }
        return joined;
    }

    private static GraphSession Session(Graph network, TunedBlock block) =>
        new(GraphPart.Extract(network, new HashSet<string> { block.From }, block.To), network.File);
}

/// <summary>What an image is at a block.</summary>
/// <param name="Quantized">What it takes behind the blocks that are tuned. Shape: [elements].</param>
/// <param name="To">What it gives in the float network. Shape: [outputs][elements].</param>
internal sealed record BlockSample(float[] Quantized, IReadOnlyList<float[]> To);
