using Clado.Execution;
using Clado.Graphs;

namespace Clado.Sensitivity;

/// <summary>How a measurement stays under its memory ceiling. No number that is measured depends on it.</summary>
/// <param name="SessionLimitBytes">Memory that suffix sessions kept for reuse may take.</param>
/// <param name="IsTight">Whether sessions have to be made again, and unused memory given back before one is made.</param>
internal sealed record MemoryPlan(long SessionLimitBytes, bool IsTight)
{
    /// <summary>
    /// The runtime, the program and its libraries, and what allocators hold on to: 300 MB before anything is measured, up to 500 after.
    /// </summary>
    public const long ProgramBytes = 512L << 20;

    /// <summary>The model as read and as raised, and the session of the whole network with its packed copy.</summary>
    public const int ModelCopies = 4;

    // Networks that share the decoding of a batch and its float pass.
    private const int LargestGroup = 8;

    // Of a GPU what its libraries take for the process, and for a session: handles, and room to compute in.
    private const long GpuProgramBytes = 640L << 20, GpuSessionBytes = 160L << 20;

    /// <summary>Memory a session takes: its constants, and the copy that ONNX Runtime lays out for its kernels.</summary>
    /// <param name="constantBytes">Bytes of its constants.</param>
    /// <param name="provider">Where it computes.</param>
    public static long SessionBytes(long constantBytes, Provider provider = Provider.Cpu) =>
        (2 * constantBytes) + (provider == Provider.Cuda ? GpuSessionBytes : 0);

    /// <summary>Memory that is taken whatever is measured.</summary>
    /// <param name="provider">Where networks run.</param>
    public static long FixedBytes(Provider provider) => ProgramBytes + (provider == Provider.Cuda ? GpuProgramBytes : 0);

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
        long left = memoryBytes - FixedBytes(provider) - modelBytes - batches;
        return ((int)Math.Clamp(left / modelBytes, 1, LargestGroup), Inference.BatchSize.Of(graph, provider));
    }
}
