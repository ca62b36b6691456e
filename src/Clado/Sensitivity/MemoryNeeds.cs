using Clado.Candidates;
using Clado.Execution;
using static System.FormattableString;

namespace Clado.Sensitivity;

/// <summary>
/// What measuring takes of memory. It depends on the network and on the machine's cores, not on the number of threads in use: batches,
/// whose size may change last bits, are chosen by it.
/// </summary>
internal sealed class MemoryNeeds
{
    // Where sessions have to be made again at every batch, larger batches share the cost.
    private const int LargestBatch = 256;

    // While a session is made: the constants in the model's bytes, as the runtime parses them, as tensors, and laid out for its kernels.
    private const int MakingCopies = 4;

    private readonly NetworkCuts cuts;
    private readonly Provider provider;
    private readonly long fixedBytes, imageBytes, sessionBytes, leastSessionBytes, makingBytes;

    /// <param name="cuts">The network.</param>
    /// <param name="candidates">What its layers can be replaced by.</param>
    /// <param name="estimator">What the estimator takes besides.</param>
    /// <param name="provider">Where networks run.</param>
    public MemoryNeeds(
        NetworkCuts cuts, CandidateSet candidates, EstimatorMemory estimator = default, Provider provider = Provider.Cpu)
    {
        (this.cuts, this.provider) = (cuts, provider);
        int workers = provider == Provider.Cuda
            ? Math.Min(CudaDevice.MostPasses, Environment.ProcessorCount) : Environment.ProcessorCount;
        long modelBytes = MemoryPlan.ModelCopies * cuts.Graph.FileSizeBytes, codeBytes = candidates.Items.Sum(c => c.Layer.Parameters);
        fixedBytes = MemoryPlan.FixedBytes(provider) + modelBytes + codeBytes + estimator.Bytes;
        imageBytes = estimator.ImageBytes;
        if (!estimator.IsWhole)
        {
            var parts = cuts.PartBytes;
            long[] sessions = [.. parts.Select(bytes => MemoryPlan.SessionBytes(bytes, provider))];
            // A worker's perturbed activations take at most what the float network's take, and far less in the mean.
            // Those inside a part, which no cut keeps, are reused by the runtime as it goes.
            imageBytes += sizeof(float) * Math.Max(1, cuts.TapElementCount) * (1 + workers);
            // Pairs use a second session a part, which also gives the cuts of later layers.
            sessionBytes = 2 * sessions.Sum();
            leastSessionBytes = workers * sessions.Max();
            makingBytes = MakingCopies * parts.Max();
        }
    }

    /// <summary>
    /// Chooses the images a batch: those that run fastest, or where memory is tight, as many as fit; 1 where not even that does, and where
    /// the network takes no more. A measurement that goes on keeps the number it was begun with, since it may change last bits.
    /// </summary>
    /// <param name="memoryBytes">Memory to stay under.</param>
    public int ChooseBatchSize(long memoryBytes)
    {
        if (!cuts.Graph.HasFreeBatch)
        {
            return 1;
        }
        long available = memoryBytes - fixedBytes;
        int fast = Inference.BatchSize.Of(cuts.TapElementCount, provider);
        if (Math.Max(sessionBytes, leastSessionBytes + makingBytes) + (fast * imageBytes) <= available)
        {
            return fast;
        }
        long sessions = Math.Max(leastSessionBytes, Math.Min(sessionBytes, available / 4));
        return (int)Math.Clamp((available - sessions - makingBytes) / imageBytes, 1, LargestBatch);
    }

    /// <summary>Whether batches of a size fit.</summary>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    /// <param name="memoryBytes">Memory to stay under.</param>
    public bool Fits(int batchSize, long memoryBytes) => memoryBytes >= Least(batchSize);

    /// <summary>Plans for batches of a size.</summary>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    /// <param name="memoryBytes">Memory to stay under.</param>
    /// <exception cref="CladoException">They do not fit; the message says how much is needed.</exception>
    public MemoryPlan Plan(int batchSize, long memoryBytes)
    {
        long available = memoryBytes - fixedBytes, forBatch = batchSize * imageBytes;
        if (!Fits(batchSize, memoryBytes))
        {
            long needed = Least(batchSize);
            var batches = batchSize == 1 ? "" : Invariant($" in batches of {batchSize} images, as it was begun,");
            throw new CladoException($"{Path.GetFileName(cuts.Graph.File)}: measuring{batches} "
                + Invariant($"needs at least {(needed + (1 << 20) - 1) >> 20:N0} MiB, ")
                + Invariant($"{Settings.Memory} allows {memoryBytes >> 20:N0}; raise it, ")
                + (batchSize == 1 ? "or pin layers to float" : "or measure again in another folder"));
        }
        return sessionBytes + forBatch <= available
            ? new MemoryPlan(sessionBytes, IsTight: false)
            : new MemoryPlan(available - makingBytes - forBatch, IsTight: true);
    }

    private long Least(int batchSize) => fixedBytes + (batchSize * imageBytes) + leastSessionBytes + makingBytes;
}
