using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Sensitivity;

/// <summary>
/// How a network's outputs change with its layers' candidates, at first order (docs/method.md, "Fisher"). Safe to run from several threads
/// at once.
/// </summary>
internal sealed class LinearizedNetwork : IDisposable
{
    private readonly Graph graph;
    private readonly Readout readout;
    private readonly LinearizedModel model;
    private readonly GraphSession session;

    /// <summary>Makes the network ready.</summary>
    /// <param name="graph">The network that is measured around: the float one, or one whose constants alone are others.</param>
    /// <param name="cuts">Its layers, and where it is read.</param>
    /// <param name="candidates">What its layers can be replaced by.</param>
    /// <param name="passes">Passes back of a run. Range: [1, inf).</param>
    /// <param name="isTight">Whether unused memory is given back after every run.</param>
    /// <param name="provider">Where it computes.</param>
    /// <exception cref="CladoException">An operator has no gradient.</exception>
    public LinearizedNetwork(
        Graph graph, NetworkCuts cuts, CandidateSet candidates, int passes, bool isTight, Provider provider = Provider.Cpu)
    {
        (this.graph, readout) = (graph, cuts.Readout);
        model = LinearizedModel.Of(graph, readout, LayerChanges.Of(graph, cuts, candidates), passes);
        session = new GraphSession(model.Model, graph.File, releasesMemory: isTight, provider: provider);
    }

    /// <summary>Derivatives of a batch's outputs along directions, times the candidates' changes.</summary>
    /// <param name="batch">The images.</param>
    /// <param name="collected">Outputs of the network on them. Shape: [images · outputs].</param>
    /// <param name="directions">
    /// Of every pass the vectors whose products with the outputs are differentiated; there may be fewer than passes.
    /// Shape: [directions][images · outputs].
    /// </param>
    /// <returns>Shape: [images · candidates · directions].</returns>
    public float[] Run(ImageBatch batch, float[] collected, IReadOnlyList<float[]> directions)
    {
        int passes = model.Seeds.Length;
        // A pass that nobody asked for goes back with zeros.
        using var seeds = new OwnedList<OrtValue>(Enumerable.Range(0, passes)
            .Select(pass => pass < directions.Count ? directions[pass] : new float[collected.Length])
            .SelectMany(direction => readout.Spread(direction, collected).Zip(readout.Outputs, (seed, output) =>
                OrtValue.CreateTensorValueFromMemory(seed, ShapeOf(output, batch.Count)))));
        var values = model.Seeds.SelectMany(own => own).Zip(seeds).ToDictionary(seed => seed.First, seed => seed.Second);
        using var feed = batch.Feed();
        foreach (var (name, value) in feed)
        {
            values[name] = value;
        }
        using var outputs = session.Run(values);
        var products = outputs[0].GetTensorDataAsSpan<float>();
        int n = model.Rows.Length;
        var result = new float[batch.Count * n * directions.Count];
        for (int i = 0; i < batch.Count * n; i++)
        {
            var own = products.Slice(i * passes, directions.Count);
            CheckFinite(own, batch, i / n);
            own.CopyTo(result.AsSpan(((i / n * n) + model.Rows[i % n]) * directions.Count));
        }
        return result;
    }

    public void Dispose() => session.Dispose();

    private long[] ShapeOf(string output, int images)
    {
        var info = graph.Tensors[output];
        return [.. info.Shape.Zip(info.Batched, (dim, batched) => batched ? dim * images : dim)];
    }

    private void CheckFinite(ReadOnlySpan<float> derivatives, ImageBatch batch, int image)
    {
        foreach (float derivative in derivatives)
        {
            if (!float.IsFinite(derivative))
            {
                throw new CladoException($"{Path.GetFileName(graph.File)}: a gradient is NaN or infinite for {batch.NameOf(image)}; "
                    + $"use {Settings.Estimator} additive for this model");
            }
        }
    }
}
