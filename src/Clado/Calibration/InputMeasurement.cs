using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using static System.FormattableString;

namespace Clado.Calibration;

/// <summary>Runs a network on calibration images and accumulates the Gram matrices and means of its layers' inputs.</summary>
internal static class InputMeasurement
{
    // The runtime, the program and its libraries; the model as read, as raised, and in a session.
    private const long ProgramBytes = 384L << 20;
    private const int ModelCopies = 4;

    // While a layer is rounded, the Cholesky factor of its Gram matrix needs up to twice the bytes of the sum.
    private const int FactorShare = 2;

    private const long FastBatchBytes = 64L << 20;
    private const int LargestBatch = 32;

    /// <summary>Measures the inputs of layers. One pass over the images measures as many layers as memory allows.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <param name="work">Calibration images.</param>
    /// <param name="done">Is told of each layer's share of the images that have run. Range: [0, 1].</param>
    /// <returns>The statistics in the order of the layers, each measured when it is asked for. Shape: [layers].</returns>
    /// <exception cref="CladoException">The widest layer does not fit into memory, or inputs are not finite.</exception>
    public static IEnumerable<InputStatistics> Measure(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, Workload work, Action<QuantizableLayer, double>? done = null)
    {
        long available = Available(graph, layers, work.Resources);
        for (int first = 0; first < layers.Count;)
        {
            int count = 1;
            long bytes = SizeBytes(layers[first]);
            while (first + count < layers.Count && (bytes += SizeBytes(layers[first + count])) <= available)
            {
                count++;
            }
            foreach (var sum in Pass(graph, [.. layers.Skip(first).Take(count)], work, done))
            {
                yield return sum.Result();
            }
            first += count;
        }
    }

    /// <summary>
    /// Adds all batches to the sums. Several batches run side by side; then every layer adds them in their order,
    /// so that sums do not depend on the number of threads.
    /// </summary>
    /// <param name="sums">What is added to. Shape: [layers].</param>
    /// <param name="batches">The images.</param>
    /// <param name="run">Gives the tensors of a batch, and those of the float network where they differ.</param>
    /// <param name="work">Threads; stops between two batches.</param>
    /// <param name="done">Is told of batches that were added.</param>
    internal static void Pass(
        LayerSum[] sums, ImageBatches batches, Func<int, (BatchTensors Values, BatchTensors? Floats)> run, Workload work,
        Action<int>? done = null)
    {
        int threads = work.Threads;
        for (int start = 0; start < batches.Count; start += threads)
        {
            var wave = new (BatchTensors Values, BatchTensors? Floats)[Math.Min(threads, batches.Count - start)];
            try
            {
                work.SideBySide.For(wave.Length, i => wave[i] = run(start + i));
                work.SideBySide.ForEach(sums, sum =>
                {
                    for (int i = 0; i < wave.Length; i++)
                    {
                        sum.Add(wave[i].Values, wave[i].Floats ?? wave[i].Values, batches.CountOf(start + i), threads);
                    }
                });
                done?.Invoke(wave.Length);
            }
            finally
            {
                foreach (var (values, floats) in wave)
                {
                    // Absent where the wave was stopped before.
                    values?.Dispose();
                    floats?.Dispose();
                }
            }
        }
    }

    /// <summary>Bytes left for the matrices of a pass while the matrix of the widest layer is factorised.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <param name="resources">Threads and memory.</param>
    /// <exception cref="CladoException">The widest layer does not fit.</exception>
    internal static long Available(Graph graph, IReadOnlyList<QuantizableLayer> layers, Resources resources)
    {
        long memoryBytes = resources.MemoryBytes, widest = layers.Max(SizeBytes);
        long used = ProgramBytes + (ModelCopies * graph.FileSizeBytes) + (resources.Threads * FastBatchBytes) + (FactorShare * widest);
        return memoryBytes >= used + widest
            ? memoryBytes - used
            : throw new CladoException(
                Invariant($"{Path.GetFileName(graph.File)}: rounding on inputs needs at least {(used + widest) >> 20:N0} MiB, ")
                + Invariant($"{Settings.Memory} allows {memoryBytes >> 20:N0}; raise it, or use {Settings.Rounding} nearest"));
    }

    /// <summary>Images a batch such that its tensors stay near the caches.</summary>
    /// <param name="elements">Elements an image. Range: [0, inf).</param>
    internal static int BatchSize(long elements) =>
        (int)Math.Clamp(FastBatchBytes / (sizeof(float) * Math.Max(1, elements)), 1, LargestBatch);

    /// <summary>Bytes of a layer's matrices.</summary>
    internal static long SizeBytes(QuantizableLayer layer) => InputStatistics.SizeBytes(WeightMatrix.Of(layer));

    private static LayerSum[] Pass(Graph graph, QuantizableLayer[] layers, Workload work, Action<QuantizableLayer, double>? done)
    {
        var uses = layers.Select(layer => LayerUse.Of(graph, graph, layer)).ToArray();
        int images = work.Images.Items.Count;
        var sums = layers.Zip(uses, (layer, own) => new LayerSum(graph, layer, own, isReplaced: false, images)).ToArray();
        var wanted = uses.SelectMany(own => own).Select(use => use.Tensor).ToHashSet();
        var batches = work.Batches(graph, BatchSize(wanted.Sum(name => graph.Tensors[name].ElementCount)));
        var plan = NetworkPart.Plan(graph, [new(wanted, new HashSet<string>())], isCarried: false);
        using var network = new CarriedNetwork(graph, batches, plan);
        network.Advance();
        Pass(sums, batches, batch => (network.Run(batch), null), work, count =>
        {
            foreach (var layer in done is null ? [] : layers)
            {
                done!(layer, (double)count / batches.Count);
            }
        });
        return sums;
    }
}
