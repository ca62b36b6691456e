using Clado.Execution;
using Clado.Graphs;

namespace Clado.Sensitivity;

/// <summary>How a measurement stays under its memory ceiling. No number that is measured depends on it.</summary>
/// <param name="SessionLimitBytes">Memory that suffix sessions kept for reuse may take.</param>
/// <param name="IsTight">Whether sessions have to be made again, and unused memory given back after every run.</param>
internal sealed record MemoryPlan(long SessionLimitBytes, bool IsTight)
{
    /// <summary>
    /// The runtime, the program and its libraries, and what allocators hold on to: 300 MB before anything is measured, some more after.
    /// </summary>
    public const long ProgramBytes = 448L << 20;

    /// <summary>The model as read and as raised, and the session of the whole network with its packed copy.</summary>
    public const int ModelCopies = 4;

    // Networks that share the decoding of a batch and its float pass.
    private const int LargestGroup = 8;

    /// <summary>Memory a session takes: its constants, and the copy that ONNX Runtime lays out for its kernels.</summary>
    public static long SessionBytes(long constantBytes) => 2 * constantBytes;

    /// <summary>How many networks with weights of their own are run side by side, and images a batch for them. Both at least 1.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="memoryBytes">Memory to stay under where a single one does.</param>
    /// <param name="provider">Where they run.</param>
    public static (int Networks, int BatchSize) OfWhole(Graph graph, long memoryBytes, Provider provider)
    {
        long modelBytes = ModelCopies * graph.FileSizeBytes;
        long batches = provider == Provider.Cuda
            ? CudaDevice.MostPasses * Inference.BatchSize.FastBytesOnGpu
            : Environment.ProcessorCount * Inference.BatchSize.FastBytes;
        long left = memoryBytes - ProgramBytes - modelBytes - batches;
        return ((int)Math.Clamp(left / modelBytes, 1, LargestGroup), Inference.BatchSize.Of(graph, provider));
    }
}
