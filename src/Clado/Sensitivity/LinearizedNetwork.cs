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
    // Images a run: few, so that processors share a batch and activations of few are held. It may change last bits.
    private const int ImagesAtOnce = 8;

    private readonly Graph graph;
    private readonly Readout readout;
    private readonly OutputSource source;
    private readonly LinearizedModel model;
    private readonly OwnedList<OrtValue> changes;
    private readonly GraphSession forward, backward;
    private readonly Dictionary<string, int> positions;
    private readonly Provider provider;
    private readonly ChannelOffsets? channels;

    /// <summary>Makes the network ready.</summary>
    /// <param name="graph">The network that is measured around: the float one, or one whose constants alone are others.</param>
    /// <param name="task">What is measured.</param>
    /// <param name="source">What errors call it.</param>
    /// <param name="isTight">Whether unused memory is given back before its sessions are made.</param>
    /// <exception cref="CladoException">An operator has no gradient.</exception>
    public LinearizedNetwork(Graph graph, MeasurementTask task, OutputSource source, bool isTight)
    {
        (this.graph, readout, this.source, provider) = (graph, task.Cuts.Readout, source, task.Inputs.Work.Provider);
        channels = task.Channels;
        model = LinearizedModel.Of(
            graph, readout, LayerChanges.Of(graph, task.Cuts, task.Inputs.Candidates, channels), new OutputDirections(task).Count);
        changes = new(model.Changes.Values.Select(change => OrtValue.CreateTensorValueFromMemory(change.Values, change.Shape)));
        forward = new GraphSession(model.Forward, graph.File, releasesMemory: isTight, provider: provider);
        backward = new GraphSession(model.Backward, graph.File, releasesMemory: isTight, provider: provider);
        positions = backward.Outputs.Index().ToDictionary(output => output.Item, output => output.Index);
    }

    /// <summary>Runs a batch forward.</summary>
    /// <param name="batch">The images.</param>
    /// <param name="work">Runs parts of it at once.</param>
    public LinearizedState Forward(ImageBatch batch, SideBySide work)
    {
        // A GPU wants to be filled by one run; a session's runs follow one another there.
        int atOnce = provider == Provider.Cuda ? batch.Count : ImagesAtOnce;
        var parts = new LinearizedPart?[(batch.Count + atOnce - 1) / atOnce];
        try
        {
            work.For(parts.Length, i => parts[i] = Forward(
                batch.Part(i * atOnce, Math.Min(atOnce, batch.Count - (i * atOnce))), i * atOnce));
            return new LinearizedState(new OwnedList<LinearizedPart>(parts!));
        }
        catch
        {
            foreach (var part in parts)
            {
                part?.Dispose();
            }
            throw;
        }
    }

    /// <summary>Derivatives of a part's outputs along directions, times the candidates' changes.</summary>
    /// <param name="part">The images.</param>
    /// <param name="directions">
    /// Of every pass the vectors whose products with the outputs are differentiated. Shape: [passes][images · outputs].
    /// </param>
    /// <param name="work">Runs images of the part, where it is the only one.</param>
    public LinearizedProducts Backward(LinearizedPart part, IReadOnlyList<float[]> directions, SideBySide work)
    {
        using var seeds = new OwnedList<OrtValue>(directions.SelectMany(direction =>
            readout.Spread(direction, part.Outputs).Zip(readout.Outputs, (seed, output) =>
                OrtValue.CreateTensorValueFromMemory(seed, ShapeOf(output, part.Batch.Count)))));
        var values = part.Values.Concat(model.Seeds.SelectMany(own => own).Zip(seeds, KeyValuePair.Create))
            .Concat(model.Changes.Keys.Zip(changes, KeyValuePair.Create)).ToDictionary();
        using var outputs = backward.Run(values);
        int passes = model.Seeds.Length, images = part.Batch.Count;
        int[] slots = Slots(model.ChannelRows);
        var whole = new PassProducts(images, RowCount, passes);
        var own = new PassProducts(images, channels?.Count ?? 0, passes);
        for (int pass = 0; pass < passes && model.Rows.Length > 0; pass++)
        {
            whole.Write(outputs[pass].GetTensorDataAsSpan<float>(), model.Rows, pass);
            if (slots.Length > 0)
            {
                own.Write(outputs[passes + pass].GetTensorDataAsSpan<float>(), slots, pass);
            }
        }
        foreach (var (layer, gradients) in model.Planes)
        {
            var products = layer.Compute(
                images, name => values[name], (pass, name) => outputs[positions[gradients[pass][name]]], passes, work);
            slots = Slots(layer.ChannelRows);
            foreach (var (pass, (sums, byChannel)) in products.Index())
            {
                whole.Write(sums, layer.Rows, pass);
                own.Write(byChannel, slots, pass);
            }
        }
        CheckFinite(whole.Values, part.Batch);
        CheckFinite(own.Values, part.Batch);
        return new LinearizedProducts(whole.Values, own.Values);
    }

    public void Dispose()
    {
        forward.Dispose();
        backward.Dispose();
        changes.Dispose();
    }

    private int RowCount => model.Rows.Length + model.Planes.Sum(own => own.Layer.Rows.Length);

    private LinearizedPart Forward(ImageBatch batch, int first)
    {
        var feed = batch.Feed();
        try
        {
            var outputs = forward.Run(feed);
            var values = feed.Concat(forward.Outputs.Zip(outputs, KeyValuePair.Create)).DistinctBy(pair => pair.Key).ToDictionary();
            var collected = readout.Collect(
                readout.Outputs.Select(name => values[name].GetTensorDataAsSpan<float>().ToArray()), batch, source);
            return new LinearizedPart(batch, first, values, collected, [feed, outputs]);
        }
        catch
        {
            feed.Dispose();
            throw;
        }
    }

    private long[] ShapeOf(string output, int images)
    {
        var info = graph.Tensors[output];
        return [.. info.Shape.Zip(info.Batched, (dim, batched) => batched ? dim * images : dim)];
    }

    private int[] Slots(int[] rows) =>
        [.. rows.SelectMany(row => Enumerable.Range(channels?.Start(row) ?? 0, channels?.CountOf(row) ?? 0))];

    private void CheckFinite(float[] derivatives, ImageBatch batch)
    {
        int first = Array.FindIndex(derivatives, value => !float.IsFinite(value));
        if (first >= 0)
        {
            throw new CladoException($"{Path.GetFileName(graph.File)}: a gradient is NaN or infinite for "
                + $"{batch.NameOf(first / (derivatives.Length / batch.Count))}; use {Settings.Estimator} additive for this model");
        }
    }
}
