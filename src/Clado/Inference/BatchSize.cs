using Clado.Graphs;

namespace Clado.Inference;

/// <summary>How many images run fastest together. Depends on the network alone, since the batch size may change last bits.</summary>
internal static class BatchSize
{
    /// <summary>Bytes of the cached activations of a batch that runs fastest: they stay near the caches.</summary>
    public const long FastBytes = 64L << 20;

    private const int Most = 32;

    // What lives at once of a whole network, whose activations the runtime reuses, is a few of the largest.
    private const int LiveActivations = 4;

    /// <summary>Images a batch.</summary>
    /// <param name="elementCount">Elements an image of the activations that live at once. Range: [0, inf).</param>
    public static int Of(long elementCount) => (int)Math.Clamp(FastBytes / (sizeof(float) * Math.Max(1, elementCount)), 1, Most);

    /// <summary>Images a batch for runs of a whole network.</summary>
    /// <param name="graph">The network.</param>
    public static int Of(Graph graph) => Of(LiveActivations * graph.Tensors.Values.Max(t => t.ElementCount));
}
