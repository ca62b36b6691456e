using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using static System.FormattableString;

namespace Clado.Calibration;

/// <summary>Runs a network on calibration images and sums up what its layers' inputs are like.</summary>
public static class InputMeasurement
{
    // The runtime, the program and its libraries; the model as read, as raised, and in a session.
    private const long ProgramBytes = 384L << 20;
    private const int ModelCopies = 4;

    // While a layer is rounded, its matrix's factor takes up to twice the sum's bytes.
    private const int FactorShare = 2;

    private const long FastBatchBytes = 64L << 20;
    private const int LargestBatch = 32;

    /// <summary>Measures the inputs of layers, as many layers in one sweep over the images as memory allows.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <param name="images">Calibration images.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    /// <param name="memoryBytes">Memory to stay under. Range: [1, inf).</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The layers' statistics in turn, measured when they are asked for. Shape: [layers].</returns>
    /// <exception cref="CladoException">The widest layer does not fit into memory, or inputs are not finite.</exception>
    public static IEnumerable<InputStatistics> Measure(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, ImageSet images, Preprocessing preprocessing, int threads, long memoryBytes,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(images);
        long available = Available(graph, layers, threads, memoryBytes);
        for (int first = 0; first < layers.Count;)
        {
            int count = 1;
            for (long bytes = SizeBytes(layers[first]); first + count < layers.Count && (bytes += SizeBytes(layers[first + count])) <= available; count++)
            {
            }
            foreach (var sum in Sweep(graph, [.. layers.Skip(first).Take(count)], images, preprocessing, threads, cancellation))
            {
                yield return sum.Result();
            }
            first += count;
        }
    }

    /// <summary>Adds all batches up: passes of several side by side, then every layer takes them in their order.</summary>
    /// <param name="sums">Are added to. Shape: [layers].</param>
    /// <param name="batches">The images.</param>
    /// <param name="run">Gives a batch's tensors, and those of the float network where they are others.</param>
    /// <param name="threads">Threads to use; sums do not depend on it.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    internal static void Sweep(
        LayerSum[] sums, ImageBatches batches, Func<int, (BatchTensors Values, BatchTensors? Floats)> run, int threads, CancellationToken cancellation)
    {
        for (int start = 0; start < batches.Count; start += threads)
        {
            var wave = new (BatchTensors Values, BatchTensors? Floats)[Math.Min(threads, batches.Count - start)];
            try
            {
                new SideBySide(threads, cancellation).For(wave.Length, i => wave[i] = run(start + i));
                new SideBySide(threads, cancellation).ForEach(sums, sum =>
                {
                    for (int i = 0; i < wave.Length; i++)
                    {
                        sum.Add(wave[i].Values, wave[i].Floats ?? wave[i].Values, batches.CountOf(start + i), threads);
                    }
                });
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

    /// <summary>Memory that is left for the matrices of a sweep while the widest layer's are factorised.</summary>
    internal static long Available(Graph graph, IReadOnlyList<QuantizableLayer> layers, int threads, long memoryBytes)
    {
        long widest = layers.Max(SizeBytes), used = ProgramBytes + (ModelCopies * graph.FileSizeBytes) + (threads * FastBatchBytes) + (FactorShare * widest);
        return memoryBytes >= used + widest
            ? memoryBytes - used
            : throw new CladoException(Invariant($"{Path.GetFileName(graph.File)}: rounding on inputs needs at least {(used + widest) >> 20:N0} MiB, ")
                + Invariant($"--memory allows {memoryBytes >> 20:N0}; raise it, or use --rounding nearest"));
    }

    /// <summary>Images a batch so that their tensors stay near the caches.</summary>
    /// <param name="elements">Elements an image. Range: [0, inf).</param>
    internal static int BatchSize(long elements) => (int)Math.Clamp(FastBatchBytes / (sizeof(float) * Math.Max(1, elements)), 1, LargestBatch);

    /// <summary>Bytes that a layer's matrices take.</summary>
    internal static long SizeBytes(QuantizableLayer layer) => InputStatistics.SizeBytes(WeightMatrix.Of(layer));

    private static LayerSum[] Sweep(
        Graph graph, QuantizableLayer[] layers, ImageSet images, Preprocessing preprocessing, int threads, CancellationToken cancellation)
    {
        var uses = layers.Select(layer => LayerUse.Of(graph, graph, layer)).ToArray();
        var sums = layers.Zip(uses, (layer, own) => new LayerSum(graph, layer, own, isReplaced: false, images.Items.Count)).ToArray();
        var wanted = uses.SelectMany(own => own).Select(use => use.Tensor).ToHashSet();
        var batches = new ImageBatches(images, graph, preprocessing, BatchSize(wanted.Sum(name => graph.Tensors[name].ElementCount)));
        using var network = new CarriedNetwork(graph, batches, NetworkPart.Plan(graph, [new(wanted, new HashSet<string>())], isCarried: false));
        network.Advance();
        Sweep(sums, batches, batch => (network.Run(batch), null), threads, cancellation);
        return sums;
    }
}
