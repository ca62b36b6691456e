using System.Collections.Concurrent;
using System.Numerics.Tensors;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado.Losses;

/// <summary>
/// Loss of networks on images, image by image: every batch is decoded once, and the float network runs on it once, for all of them.
/// </summary>
/// <param name="graph">The float network.</param>
/// <param name="loss">Name of the loss; null to choose by the network.</param>
/// <param name="scales">Units of the outputs; null where the loss needs none. Shape: [outputs].</param>
/// <param name="workload">Images to run.</param>
internal sealed class NetworkLosses(Graph graph, string? loss, IReadOnlyList<OutputScale>? scales, Workload workload)
{
    // Pixels and outputs that are kept, in bytes.
    private const long MostKept = 128L << 20;

    private readonly ConcurrentDictionary<int, Compared> kept = [];

    /// <summary>The network that losses are measured over.</summary>
    public Graph Graph => graph;

    /// <summary>Where its outputs, and those of what is measured, are read.</summary>
    public Readout Readout { get; } = Readout.Of(graph);

    /// <summary>Images to run.</summary>
    public Workload Workload => workload;

    /// <summary>Whether batches and the float network's outputs are kept between measurements, where they are not too large.</summary>
    public bool KeepsBatches { get; init; }

    /// <summary>A network that is measured, ready to run where the workload's networks do.</summary>
    /// <param name="network">The network.</param>
    /// <param name="source">What errors call it.</param>
    public ModelRunner Runner(Graph network, OutputSource source) => new(network, Readout, source, provider: workload.Provider);

    /// <summary>Measures networks.</summary>
    /// <param name="networks">The networks; their outputs are read where the float network's are. Shape: [networks].</param>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    /// <param name="work">Told of every image a network has run.</param>
    /// <returns>Loss increase over the float network of every image. Shape: [networks][images].</returns>
    public double[][] Measure(IReadOnlyList<ModelRunner> networks, int batchSize, WorkProgress? work)
    {
        var increases = networks.Select(_ => new double[workload.Images.Items.Count]).ToArray();
        ForEachBatch(batchSize, (batch, start, measure) =>
        {
            for (int i = 0; i < networks.Count; i++)
            {
                measure(networks[i].Run(batch)).CopyTo(increases[i].AsSpan(start));
                work?.Add(batch.Count);
            }
        });
        return increases;
    }

    /// <summary>Runs the float network on every batch, so that outputs of others can be compared with its own.</summary>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    /// <param name="measure">
    /// Is given a batch, the position of its first image, and what gives losses of outputs on it, which may be overwritten. Shape of the
    /// outputs: [images · elements]; of the losses: [images]. Several batches are measured side by side.
    /// </param>
    public void ForEachBatch(int batchSize, Action<ImageBatch, int, Func<float[], double[]>> measure)
    {
        var losses = new LossFactory(graph, Readout, workload.Images, loss, scales);
        var batches = workload.Batches(graph, batchSize);
        using var reference = kept.Count == batches.Count ? null : Runner(graph, OutputSource.Float(graph.File));
        workload.SideBySide.For(batches.Count, index =>
        {
            var (batch, outputs) = kept.GetValueOrDefault(index) ?? Compare(batches.Load(index), reference!);
            var increase = losses.Create(outputs, outputs, batch);
            measure(batch, index * batches.BatchSize, own =>
            {
                TensorPrimitives.Subtract(own, outputs, own);
                return increase.Increases(own, Readout.ElementCount);
            });
        });
    }

    private Compared Compare(ImageBatch batch, ModelRunner reference)
    {
        var compared = new Compared(batch, reference.Run(batch));
        long bytes = sizeof(float) * ((long)batch.Pixels.Length + compared.Outputs.Length) / batch.Count * workload.Images.Items.Count;
        if (KeepsBatches && bytes <= MostKept)
        {
            kept.TryAdd(batch.Index, compared);
        }
        return compared;
    }

    private sealed record Compared(ImageBatch Batch, float[] Outputs);
}
