using Clado.Execution;
using Clado.Graphs;
using Clado.Images;

namespace Clado.Inference;

/// <summary>A network's outputs and nothing else.</summary>
/// <param name="graph">The network.</param>
/// <param name="readout">Where its outputs are read.</param>
/// <param name="source">What errors call it.</param>
internal sealed class NetworkOutputs(Graph graph, Readout readout, OutputSource source) : IDisposable
{
    private readonly GraphSession session = new(GraphPart.Extract(graph, graph.Inputs.Names, readout.Outputs), graph.File);

    /// <summary>Outputs of a batch, all of an image together. Safe to call from several threads. Shape: [images · outputs].</summary>
    public float[] Run(ImageBatch batch)
    {
        using var feed = batch.Feed();
        using var values = session.Run(feed);
        return readout.Collect(values.Select(v => v.GetTensorDataAsSpan<float>().ToArray()), batch, source);
    }

    public void Dispose() => session.Dispose();
}
