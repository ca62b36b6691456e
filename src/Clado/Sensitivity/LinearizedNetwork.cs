using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Sensitivity;

/// <summary>
/// How a network's outputs change with its layers' candidates, at first order: an image's gradient by a layer's constants, times what each
/// candidate changes of them (docs/method.md, "Fisher"). Safe to run from several threads at once.
/// </summary>
internal sealed class LinearizedNetwork : IDisposable
{
    private readonly Graph graph;
    private readonly Readout readout;
    private readonly LinearizedModel model;
    private readonly Dictionary<string, OrtValue> changes;
    private readonly GraphSession session;

    /// <summary>Makes the network ready.</summary>
    /// <param name="graph">The network that is measured around: the float one, or one whose constants alone are others.</param>
    /// <param name="cuts">Its layers, and where it is read.</param>
    /// <param name="candidates">What its layers can be replaced by.</param>
    /// <param name="isTight">Whether unused memory is given back after every run.</param>
    /// <exception cref="CladoException">An operator has no gradient.</exception>
    public LinearizedNetwork(Graph graph, NetworkCuts cuts, CandidateSet candidates, bool isTight)
    {
        (this.graph, readout) = (graph, cuts.Readout);
        Rows = [.. Enumerable.Range(0, cuts.Layers.Count).SelectMany(layer => RowsOf(candidates, layer))];
        var constants = cuts.Layers.Index().SelectMany(layer => ConstantsOf(layer.Item, layer.Index, candidates)).ToArray();
        model = LinearizedModel.Of(graph, readout, constants);
        session = new GraphSession(model.Model, graph.File, releasesMemory: isTight);
        changes = constants.ToDictionary(constant => model.Changes[constant.Name], Change);

        OrtValue Change(LayerConstant constant)
        {
            int[] rows = [.. RowsOf(candidates, constant.Layer)];
            return OrtValue.CreateTensorValueFromMemory(
                ChangesOf(constant.Name, rows.Select(row => candidates.Items[row])), [rows.Length, constant.Elements]);
        }
    }

    /// <summary>Rows of the candidates in the order of what <see cref="Run"/> gives. Shape: [candidates].</summary>
    public IReadOnlyList<int> Rows { get; }

    /// <summary>Scalar products of a batch's gradients with all changes.</summary>
    /// <param name="batch">The images.</param>
    /// <param name="collected">Outputs of the network on them. Shape: [images · outputs].</param>
    /// <param name="directions">
    /// Of every pass the vectors whose products with the outputs are differentiated. Shape: [passes ≤ 2][images · outputs].
    /// </param>
    /// <returns>Shape: [passes][images · candidates], in the order of <see cref="Rows"/>.</returns>
    public float[][] Run(ImageBatch batch, float[] collected, IReadOnlyList<float[]> directions)
    {
        var values = new Dictionary<string, OrtValue>(changes);
        // A pass that nobody asked for goes back with zeros.
        using var seeds = new OwnedList<OrtValue>(Enumerable.Range(0, LinearizedModel.Passes)
            .Select(pass => pass < directions.Count ? directions[pass] : new float[collected.Length])
            .SelectMany(direction => readout.Spread(direction, collected).Zip(readout.Outputs, (seed, output) =>
                OrtValue.CreateTensorValueFromMemory(seed, ShapeOf(output, batch.Count)))));
        foreach (var (name, seed) in model.Seeds.SelectMany(own => own).Zip(seeds))
        {
            values.Add(name, seed);
        }
        using var feed = batch.Feed();
        foreach (var (name, value) in feed)
        {
            values[name] = value;
        }
        using var products = session.Run(values);
        var result = new float[directions.Count][];
        for (int pass = 0; pass < result.Length; pass++)
        {
            int output = session.Outputs.Index().First(own => own.Item == model.Products[pass]).Index;
            result[pass] = products[output].GetTensorDataAsSpan<float>().ToArray();
            CheckFinite(result[pass], batch);
        }
        return result;
    }

    public void Dispose()
    {
        session.Dispose();
        foreach (var value in changes.Values)
        {
            value.Dispose();
        }
    }

    private static IEnumerable<int> RowsOf(CandidateSet candidates, int layer) =>
        candidates.LayerOf.Index().Where(row => row.Item == layer).Select(row => row.Index);

    private static IEnumerable<LayerConstant> ConstantsOf(Layers.QuantizableLayer layer, int index, CandidateSet candidates)
    {
        yield return new LayerConstant(layer.Weight, index, layer.Parameters);
        if (layer.Bias is { } bias && RowsOf(candidates, index).Any(row => candidates.Items[row].Bias is not null))
        {
            yield return new LayerConstant(bias, index, layer.ChannelCount);
        }
    }

    /// <summary>What candidates change of a constant. Shape: [candidates · elements].</summary>
    private float[] ChangesOf(string constant, IEnumerable<Candidate> candidates)
    {
        float[] own = TensorData.ReadSingles(graph.File, graph.Initializers[constant]);
        return [.. candidates.SelectMany(candidate =>
        {
            float[] values = constant == candidate.Layer.Weight ? candidate.Dequantize() : candidate.Bias ?? own;
            return values.Zip(own, (value, before) => value - before);
        })];
    }

    private long[] ShapeOf(string output, int images)
    {
        var info = graph.Tensors[output];
        return [.. info.Shape.Zip(info.Batched, (dim, batched) => batched ? dim * images : dim)];
    }

    private void CheckFinite(float[] products, ImageBatch batch)
    {
        int bad = products.Index().FirstOrDefault(product => !float.IsFinite(product.Item), (Index: -1, Item: 0)).Index;
        if (bad >= 0)
        {
            throw new CladoException($"{Path.GetFileName(graph.File)}: a gradient is NaN or infinite for "
                + $"{batch.NameOf(bad / Rows.Count)}; use {Settings.Estimator} additive for this model");
        }
    }
}
