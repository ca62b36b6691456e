using Clado.Execution;
using Clado.Graphs;

namespace Clado.Inference;

/// <summary>How many images run fastest together. Depends on the network and the provider alone: it may change last bits.</summary>
internal static class BatchSize
{
    /// <summary>Bytes of the cached activations of a batch that runs fastest: they stay near the caches.</summary>
    public const long FastBytes = 64L << 20;

    /// <summary>The same on a GPU, which wants thousands of threads busy.</summary>
    public const long FastBytesOnGpu = 1L << 30;

    private const int Most = 32, MostOnGpu = 128;

    // What lives at once of a whole network, whose activations the runtime reuses, is a few of the largest.
    private const int LiveActivations = 4;

    /// <summary>Images a batch.</summary>
    /// <param name="elementCount">Elements an image of the activations that live at once. Range: [0, inf).</param>
    /// <param name="provider">Where they run.</param>
    public static int Of(long elementCount, Provider provider = Provider.Cpu)
    {
        var (bytes, most) = provider == Provider.Cuda ? (FastBytesOnGpu, MostOnGpu) : (FastBytes, Most);
        return (int)Math.Clamp(bytes / (sizeof(float) * Math.Max(1, elementCount)), 1, most);
    }

    /// <summary>Images a batch for runs of a whole network.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="provider">Where it runs.</param>
    public static int Of(Graph graph, Provider provider = Provider.Cpu) =>
        Of(LiveActivations * graph.Tensors.Values.Max(t => t.ElementCount), provider);
}
