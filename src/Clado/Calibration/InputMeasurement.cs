using System.Collections.Concurrent;
using System.Numerics.Tensors;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Numerics;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Calibration;

/// <summary>Runs a network on calibration images and sums up what its layers' inputs are like.</summary>
public static class InputMeasurement
{
    // Enough rows that the mean is sharper than the damping of a rounding (1 % of the mean diagonal), and enough for every column of a wide layer.
    private const int FewestRows = 32768;
    private const int RowsPerColumn = 16;

    // Rows of a chunk: two panels of them stay in the first-level cache.
    private const int ChunkRows = 256;
    private const int ChunkElements = 1 << 20;

    // Golden ratio: multiples of it, modulo 1, are spread evenly however many are taken.
    private const double GoldenRatio = 0.61803398874989485;

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
        long available = Available(graph, layers, threads, memoryBytes);
        for (int first = 0; first < layers.Count;)
        {
            int count = 1;
            for (long bytes = SizeBytes(layers[first]); first + count < layers.Count && (bytes += SizeBytes(layers[first + count])) <= available; count++)
            {
            }
            foreach (var statistics in Sweep(graph, [.. layers.Skip(first).Take(count)], null, null, images, preprocessing, threads, cancellation))
            {
                yield return statistics;
            }
            first += count;
        }
    }

    /// <summary>Measures the inputs of a layer in a network some of whose weights are replaced, beside those in the float network.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="behind">The network in which weights are replaced: the same, or the same with its activations rounded.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="weights">Initializers of earlier layers, by name and values, in place of the network's. Shape: [replaced].</param>
    /// <param name="images">Calibration images.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    /// <param name="memoryBytes">Memory to stay under. Range: [1, inf).</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">The layer does not fit into memory, or inputs are not finite.</exception>
    public static InputStatistics MeasureBehind(
        Graph graph, Graph behind, QuantizableLayer layer, IReadOnlyList<(string Name, float[] Values)> weights, ImageSet images, Preprocessing preprocessing, int threads,
        long memoryBytes, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(weights);
        Available(graph, [layer], threads, memoryBytes);
        var values = weights.ToDictionary(w => w.Name, w => OrtValue.CreateTensorValueFromMemory(w.Values, [.. graph.Initializers[w.Name].Dims]));
        try
        {
            return Sweep(graph, [layer], behind, values, images, preprocessing, threads, cancellation)[0];
        }
        finally
        {
            foreach (var value in values.Values)
            {
                value.Dispose();
            }
        }
    }

    /// <summary>Memory that is left for the matrices of a sweep while the widest layer's are factorised.</summary>
    private static long Available(Graph graph, IReadOnlyList<QuantizableLayer> layers, int threads, long memoryBytes)
    {
        long widest = layers.Max(SizeBytes), used = ProgramBytes + (ModelCopies * graph.FileSizeBytes) + (threads * FastBatchBytes) + (FactorShare * widest);
        return memoryBytes >= used + widest
            ? memoryBytes - used
            : throw new CladoException($"{Path.GetFileName(graph.File)}: rounding on inputs needs at least {(used + widest) >> 20:N0} MiB, "
                + $"--memory allows {memoryBytes >> 20:N0}; raise it, or use --rounding nearest");
    }

    private static long SizeBytes(QuantizableLayer layer) => InputStatistics.SizeBytes(WeightMatrix.Of(layer));

    private static InputStatistics[] Sweep(
        Graph graph, QuantizableLayer[] layers, Graph? behind, IReadOnlyDictionary<string, OrtValue>? weights, ImageSet images, Preprocessing preprocessing,
        int threads, CancellationToken cancellation)
    {
        var sums = layers.Select(layer => new LayerSum(graph, behind, layer, images.Items.Count)).ToArray();
        string[] Taps(Func<LayerUse, string> tensor) => [.. sums.SelectMany(s => s.Uses.Select(tensor)).Where(t => !graph.Inputs.Names.Contains(t)).Distinct()];
        var taps = Taps(use => use.Tensor);
        long elements = Math.Max(1, taps.Sum(t => graph.Tensors[t].ElementCount));
        var batches = new ImageBatches(images, graph, preprocessing, (int)Math.Clamp(FastBatchBytes / (sizeof(float) * elements), 1, LargestBatch));
        using var session = Session(graph, [], taps);
        using var replaced = weights is null ? null : Session(behind!, weights.Keys, Taps(use => use.Behind));
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        // Passes of several batches side by side; then every layer adds them up in their order.
        for (int start = 0; start < batches.Count; start += threads)
        {
            var wave = new (Dictionary<string, OrtValue> Float, Dictionary<string, OrtValue>? Replaced)[Math.Min(threads, batches.Count - start)];
            Parallel.For(0, wave.Length, options, i =>
            {
                var batch = batches.Load(start + i);
                wave[i] = (Run(session, batch, null), weights is null ? null : Run(replaced, batch, weights));
            });
            Parallel.ForEach(Partitioner.Create(sums, EnumerablePartitionerOptions.NoBuffering), options, sum =>
            {
                for (int i = 0; i < wave.Length; i++)
                {
                    sum.Add(wave[i].Replaced ?? wave[i].Float, wave[i].Float, batches.CountOf(start + i), threads);
                }
            });
            foreach (var value in wave.SelectMany(w => w.Float.Values.Concat(w.Replaced?.Values.AsEnumerable() ?? [])))
            {
                value.Dispose();
            }
        }
        return [.. sums.Select(s => s.Result() is var result && result.IsFinite
            ? result
            : throw new CladoException($"{Path.GetFileName(graph.File)}: the inputs of layer '{s.Name}' are NaN or infinite on the calibration images; check --preprocess, or use --rounding nearest"))];
    }

    /// <summary>Gives some tensors from the inputs and replaced weights; null where there is nothing to compute.</summary>
    private static GraphSession? Session(Graph graph, IEnumerable<string> weights, string[] taps) =>
        taps.Length == 0 ? null : new GraphSession(GraphPart.Extract(graph, weights.Concat(graph.Inputs.Names).ToHashSet(), taps), graph.File);

    private static Dictionary<string, OrtValue> Run(GraphSession? session, ImageBatch batch, IReadOnlyDictionary<string, OrtValue>? weights)
    {
        var values = new Dictionary<string, OrtValue>(batch.Feed());
        if (session is not null)
        {
            foreach (var (name, value) in session.Outputs.Zip(session.Run(name => values.GetValueOrDefault(name) ?? weights![name])).ToArray())
            {
                values.Add(name, value);
            }
        }
        return values;
    }

    /// <summary>A node that uses a layer's weight.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="Tensor">Its input in the float network.</param>
    /// <param name="Behind">Its input in the network in which weights are replaced; the same where none are.</param>
    private sealed record LayerUse(NodeProto Node, string Tensor, string Behind);

    /// <summary>The sum of a layer.</summary>
    private sealed class LayerSum
    {
        private readonly Graph graph;
        private readonly QuantizableLayer layer;
        private readonly WeightMatrix matrix;
        private readonly GramSum[] sums;
        private readonly GramSum[] crosses;
        private readonly double[][] totals;
        private readonly double[][] floatTotals;
        private readonly long rowsPerImage;
        private long rowCount;

        public LayerSum(Graph graph, Graph? behind, QuantizableLayer layer, int images)
        {
            (this.graph, this.layer, matrix) = (graph, layer, WeightMatrix.Of(layer));
            sums = [.. Enumerable.Range(0, matrix.Groups).Select(_ => new GramSum(matrix.Columns))];
            crosses = behind is not null ? [.. Enumerable.Range(0, matrix.Groups).Select(_ => new GramSum(matrix.Columns))] : [];
            totals = [.. sums.Select(_ => new double[matrix.Columns])];
            floatTotals = [.. sums.Select(_ => new double[matrix.Columns])];
            // Both networks read the weight in the same order, whatever else they have.
            Uses = [.. layer.Nodes.Zip(behind?.Consumers(layer.Weight) ?? layer.Nodes, (own, other) => (Node: graph.Nodes[own], Other: (behind ?? graph).Nodes[other]))
                .Select(n => (n.Node, n.Other, Slot: InputRows.ActivationSlot(n.Node, layer)))
                .Where(n => n.Slot >= 0 && graph.Tensors.ContainsKey(n.Node.Input[n.Slot])).Select(n => new LayerUse(n.Node, n.Node.Input[n.Slot], n.Other.Input[n.Slot]))];
            long wanted = Math.Max(FewestRows, (long)RowsPerColumn * matrix.Columns);
            rowsPerImage = (wanted + images - 1) / images;
        }

        public string Name => layer.Name;

        /// <summary>Nodes that use the weight the layer's way.</summary>
        public IReadOnlyList<LayerUse> Uses { get; }

        public void Add(Dictionary<string, OrtValue> values, Dictionary<string, OrtValue> floats, int images, int threads)
        {
            foreach (var (node, tensor, behind) in Uses)
            {
                var rows = InputRows.Of(graph, node, layer, floats[tensor].GetTensorTypeAndShape().Shape);
                Add(rows, values[behind], floats[tensor], Chosen(rows.Count, rowsPerImage * images), threads);
            }
        }

        public InputStatistics Result()
        {
            double divisor = Math.Max(1, rowCount);
            double[][] Mean(double[][] totals) => [.. totals.Select(total => Array.ConvertAll(total, sum => sum / divisor))];
            return new(matrix.Columns, rowCount, [.. sums.Select(s => s.Symmetric(divisor))], crosses.Length == 0 ? null : [.. crosses.Select(s => s.Full(divisor))])
            {
                Mean = Mean(totals),
                FloatMean = crosses.Length == 0 ? null : Mean(floatTotals),
            };
        }

        private void Add(InputRows rows, OrtValue values, OrtValue floats, ReadOnlySpan<int> chosen, int threads)
        {
            int width = GramSum.PackedWidth(matrix.Columns), chunk = Math.Clamp(ChunkElements / (width * matrix.Groups), 16, ChunkRows);
            for (int start = 0; start < chosen.Length; start += chunk)
            {
                var part = chosen.Slice(start, Math.Min(chunk, chosen.Length - start));
                int length = part.Length;
                float[][] Packed(OrtValue source, ReadOnlySpan<int> part)
                {
                    var packed = sums.Select(_ => new float[length * width]).ToArray();
                    rows.Pack(source.GetTensorDataAsSpan<float>(), part, packed);
                    return packed;
                }

                var packed = Packed(values, part);
                var other = crosses.Length == 0 ? packed : Packed(floats, part);
                for (int group = 0; group < sums.Length; group++)
                {
                    sums[group].Add(packed[group], length, threads);
                    AddUp(packed[group], length, totals[group]);
                    if (crosses.Length > 0)
                    {
                        crosses[group].AddCross(packed[group], other[group], length, threads);
                        AddUp(other[group], length, floatTotals[group]);
                    }
                }
            }
            rowCount += chosen.Length;
        }

        private static void AddUp(float[] packed, int rows, double[] total)
        {
            int length = rows * GramSum.PanelWidth;
            Span<float> sum = stackalloc float[GramSum.PanelWidth];
            for (int first = 0; first < total.Length; first += GramSum.PanelWidth)
            {
                sum.Clear();
                for (var panel = packed.AsSpan(first / GramSum.PanelWidth * length, length); !panel.IsEmpty; panel = panel[GramSum.PanelWidth..])
                {
                    TensorPrimitives.Add(sum, panel[..GramSum.PanelWidth], sum);
                }
                for (int column = first; column < Math.Min(first + GramSum.PanelWidth, total.Length); column++)
                {
                    total[column] += sum[column - first];
                }
            }
        }

        /// <summary>Rows spread evenly over a batch, or all of them.</summary>
        private int[] Chosen(int count, long wanted) => wanted >= count
            ? [.. Enumerable.Range(0, count)]
            : [.. Enumerable.Range(0, (int)wanted).Select(i => (int)((rowCount + i) * GoldenRatio % 1 * count))];
    }
}
