using Clado.Candidates;
using Clado.Graphs;
using static System.FormattableString;

namespace Clado.Sensitivity;

/// <summary>How a measurement stays under its memory ceiling.</summary>
/// <param name="BatchSize">Images a batch. Range: [1, inf).</param>
/// <param name="SessionLimitBytes">Memory that suffix sessions kept for reuse may take.</param>
/// <param name="IsTight">Whether sessions have to be made again, and unused memory given back after every run.</param>
internal sealed record MemoryPlan(int BatchSize, long SessionLimitBytes, bool IsTight)
{
    // Where sessions have to be made again at every batch, larger batches share the cost.
    private const int LargestBatch = 256;

    // The runtime, the program and its libraries, and what allocators hold on to: 300 MB before anything is measured, and some more after.
    private const long ProgramBytes = 448L << 20;

    // The model as read and as raised, and the session of the whole network with its packed copy.
    private const int ModelCopies = 4;

    // While a session is made: the constants in the model's bytes, as the runtime parses them, as tensors, and laid out for its kernels.
    private const int MakingCopies = 4;

    // Networks that share the decoding of a batch and its float pass.
    private const int LargestGroup = 8;

    /// <summary>Memory a session takes: its constants, and the copy that ONNX Runtime lays out for its kernels.</summary>
    public static long SessionBytes(long constantBytes) => 2 * constantBytes;

    /// <summary>How many networks with weights of their own are run side by side, and images a batch for them. Both at least 1.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="memoryBytes">Memory to stay under where a single one does.</param>
    public static (int Networks, int BatchSize) OfWhole(Graph graph, long memoryBytes)
    {
        long left = memoryBytes - ProgramBytes - (ModelCopies * graph.FileSizeBytes) - (Environment.ProcessorCount * Inference.BatchSize.FastBytes);
        return ((int)Math.Clamp(left / (ModelCopies * graph.FileSizeBytes), 1, LargestGroup), Inference.BatchSize.Of(graph));
    }

    /// <summary>
    /// Makes the plan. It depends on network, ceiling and machine, not on the number of threads, since the batch size may change last bits.
    /// </summary>
    /// <exception cref="CladoException">Not even one image fits; the message says how much is needed.</exception>
    public static MemoryPlan Of(PerturbedNetwork network, Graph graph, CandidateSet candidates, long memoryBytes)
    {
        int workers = Environment.ProcessorCount;
        // A worker's perturbed activations take at most what the float network's take, and far less in the mean; those inside a suffix, which no cut keeps,
        // are reused by the runtime as it goes.
        long imageBytes = sizeof(float) * Math.Max(1, network.BaseElementCount) * (1 + workers);
        long[] sessions = [.. network.SuffixConstantBytes.Select(SessionBytes)];
        long largest = workers * sessions.Max(), making = MakingCopies * network.SuffixConstantBytes.Max();
        long available = memoryBytes - ProgramBytes - (ModelCopies * graph.FileSizeBytes) - candidates.Items.Sum(c => c.Layer.Parameters);
        if (available < imageBytes + largest + making)
        {
            throw new CladoException(Invariant($"{Path.GetFileName(graph.File)}: measuring needs at least {(memoryBytes - available + imageBytes + largest + making) >> 20:N0} MiB, ")
                + Invariant($"--memory allows {memoryBytes >> 20:N0}; raise it, or pin layers to float"));
        }
        // Pairs use a second session a layer, which also gives the cuts of later layers.
        long all = 2 * sessions.Sum();
        int fast = Inference.BatchSize.Of(network.BaseElementCount);
        if (all + (fast * imageBytes) <= available)
        {
            return new MemoryPlan(fast, all, IsTight: false);
        }
        long limit = Math.Min(all, Math.Max(largest, available / 4));
        return new MemoryPlan((int)Math.Clamp((available - limit - making) / imageBytes, 1, LargestBatch), limit, IsTight: true);
    }
}
