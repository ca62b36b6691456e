using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Inference;

/// <summary>
/// Runs a model for its outputs. Whoever wants a network's answers on images, and nothing from within it, runs it here.
/// Safe to run from several threads at once.
/// </summary>
internal sealed class ModelRunner : IDisposable
{
    private readonly GraphSession session;
    private readonly GraphInputs inputs;
    private readonly OutputSource source;
    private readonly IReadOnlyList<string> whole;

    /// <summary>A network, computed in floats; what its outputs do not need is left out.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="source">What errors call it.</param>
    /// <param name="whole">Outputs that are also looked at as they are, see <see cref="RunWhole"/>. Shape: [outputs].</param>
    /// <param name="provider">Where it computes.</param>
    public ModelRunner(
        Graph graph, Readout readout, OutputSource source, IReadOnlyList<string>? whole = null, Provider provider = Provider.Cpu)
        : this(
            GraphPart.Extract(graph, graph.Inputs.Names, [.. readout.Outputs.Union(whole ?? [])]), graph.Inputs, readout, source, whole,
            file => new GraphSession(file, source.File, provider: provider))
    {
    }

    private ModelRunner(
        ModelProto model, GraphInputs inputs, Readout readout, OutputSource source, IReadOnlyList<string>? whole,
        Func<ModelProto, GraphSession> open)
    {
        (this.inputs, Readout, this.source, this.whole) = (inputs.For(model), readout, source, whole ?? []);
        session = open(model);
    }

    /// <summary>Where the outputs are read.</summary>
    public Readout Readout { get; }

    /// <summary>A model as its users run it: in integers where it rounds its activations, with the runtime's default options.</summary>
    /// <param name="model">The model as it lies on disk; it stays as it is.</param>
    /// <param name="inputs">What it takes.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="source">What errors call it.</param>
    /// <param name="whole">Outputs that are also looked at as they are, see <see cref="RunWhole"/>. Shape: [outputs].</param>
    public static ModelRunner AsWritten(
        ModelProto model, GraphInputs inputs, Readout readout, OutputSource source, IReadOnlyList<string>? whole = null) =>
        new(
            Reading(model, [.. readout.Outputs.Union(whole ?? [])]), inputs, readout, source, whole,
            file => new GraphSession(file, source.File, integers: model.RoundsActivations()));

    /// <summary>A model computed in floats, rounded activations included.</summary>
    /// <param name="model">The model; it stays as it is.</param>
    /// <param name="inputs">What it takes.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="source">What errors call it.</param>
    public static ModelRunner InFloats(ModelProto model, GraphInputs inputs, Readout readout, OutputSource source) =>
        new(Reading(model, readout.Outputs), inputs, readout, source, null, file => new GraphSession(file, source.File));

    /// <summary>Outputs of a batch, all of an image together. Shape: [images · elements of all outputs].</summary>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than it should.</exception>
    public float[] Run(ImageBatch batch) => Readout.Collect(RunUnchecked(batch), batch, source);

    /// <summary>Each output of a batch. Shape: [outputs][images · elements].</summary>
    /// <param name="batch">The images.</param>
    /// <param name="setting">A number that the model takes besides; null where it takes none.</param>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than it should.</exception>
    public float[][] RunEach(ImageBatch batch, (string Input, float Value)? setting = null)
    {
        var outputs = RunUnchecked(batch, setting);
        Readout.Check(outputs, batch, source);
        return outputs;
    }

    /// <summary>Each output of a batch, whatever its values. Shape: [outputs][images · elements].</summary>
    /// <param name="batch">The images.</param>
    /// <param name="setting">A number that the model takes besides; null where it takes none.</param>
    public float[][] RunUnchecked(ImageBatch batch, (string Input, float Value)? setting = null)
    {
        using var feed = batch.Feed(inputs);
        if (setting is var (input, value))
        {
            feed.Add(input, OrtValue.CreateTensorValueFromMemory([value], []));
        }
        using var values = session.Run(feed);
        return [.. values.Take(Readout.Outputs.Count).Select(RealValues.Singles)];
    }

    /// <summary>Outputs of a batch as <see cref="Run"/> gives them, and beside them others as the model gives them.</summary>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output that is read has another size than it should.</exception>
    public ModelAnswers RunWhole(ImageBatch batch)
    {
        float[] read;
        ModelOutput[]?[] split;
        using (var feed = batch.Feed(inputs))
        using (var values = session.Run(feed))
        {
            read = Readout.Collect(
                values.Take(Readout.Outputs.Count).Select(RealValues.Singles), batch, source);
            split = [.. whole.Select(name => ModelOutput.Of(values[IndexOf(name)])!.Split(batch.Count))];
        }
        // What has no dimension of images, such as a list of all that was found, is told apart by running images alone.
        var images = split.Contains(null)
            ? [.. Enumerable.Range(0, batch.Count).Select(image => RunWhole(batch.Single(image)).Images[0])]
            : Enumerable.Range(0, batch.Count).Select(image => split.Select(own => own![image]).ToArray()).ToArray();
        for (int image = 0; image < batch.Count; image++)
        {
            foreach (var (output, name) in images[image].Zip(whole))
            {
                OutputReading.CheckFinite(output.Values.Span, name, batch.NameOf(image), source);
            }
        }
        return new ModelAnswers(read, images);

        int IndexOf(string name) => session.Outputs.Index().First(output => output.Item == name).Index;
    }

    public void Dispose() => session.Dispose();

    /// <summary>A copy whose outputs are the tensors that are read: of a final Softmax that is its input.</summary>
    private static ModelProto Reading(ModelProto model, IEnumerable<string> outputs)
    {
        // The constants, which are what is large, are shared with the copy.
        var copy = model.Clone();
        copy.Graph.Output.Clear();
        copy.Graph.Output.Add(outputs.Select(name => new ValueInfoProto { Name = name }));
        return copy;
    }
}

/// <summary>What a model gives for a batch.</summary>
/// <param name="Read">What is read of it. Shape: [images · elements].</param>
/// <param name="Images">Outputs as they are. Shape: [images][outputs].</param>
internal sealed record ModelAnswers(float[] Read, IReadOnlyList<ModelOutput[]> Images);
