using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;

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

    /// <summary>A network, computed in floats; what its outputs do not need is left out.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="source">What errors call it.</param>
    public ModelRunner(Graph graph, Readout readout, OutputSource source)
        : this(GraphPart.Extract(graph, graph.Inputs.Names, readout.Outputs), graph.Inputs, readout, source, integers: false)
    {
    }

    private ModelRunner(ModelProto model, GraphInputs inputs, Readout readout, OutputSource source, bool integers)
    {
        (this.inputs, Readout, this.source) = (inputs.For(model), readout, source);
        session = new GraphSession(model, source.File, integers: integers);
    }

    /// <summary>Where the outputs are read.</summary>
    public Readout Readout { get; }

    /// <summary>A model as its users run it: in integers where it rounds its activations, with the runtime's default options.</summary>
    /// <param name="model">The model as it lies on disk; it stays as it is.</param>
    /// <param name="inputs">What it takes.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="source">What errors call it.</param>
    public static ModelRunner AsWritten(ModelProto model, GraphInputs inputs, Readout readout, OutputSource source) =>
        new(Reading(model, readout), inputs, readout, source, model.RoundsActivations());

    /// <summary>A model computed in floats, rounded activations included.</summary>
    /// <param name="model">The model; it stays as it is.</param>
    /// <param name="inputs">What it takes.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="source">What errors call it.</param>
    public static ModelRunner InFloats(ModelProto model, GraphInputs inputs, Readout readout, OutputSource source) =>
        new(Reading(model, readout), inputs, readout, source, integers: false);

    /// <summary>Outputs of a batch, all of an image together. Shape: [images · elements of all outputs].</summary>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than it should.</exception>
    public float[] Run(ImageBatch batch) => Readout.Collect(RunUnchecked(batch), batch, source);

    /// <summary>Each output of a batch. Shape: [outputs][images · elements].</summary>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than it should.</exception>
    public float[][] RunEach(ImageBatch batch)
    {
        var outputs = RunUnchecked(batch);
        Readout.Check(outputs, batch, source);
        return outputs;
    }

    /// <summary>Each output of a batch, whatever its values. Shape: [outputs][images · elements].</summary>
    public float[][] RunUnchecked(ImageBatch batch)
    {
        using var feed = batch.Feed(inputs);
        using var values = session.Run(feed);
        return [.. values.Select(RealValues.Singles)];
    }

    public void Dispose() => session.Dispose();

    /// <summary>A copy whose outputs are the tensors that are read: of a final Softmax that is its input.</summary>
    private static ModelProto Reading(ModelProto model, Readout readout)
    {
        // The constants, which are what is large, are shared with the copy.
        var copy = model.Clone();
        copy.Graph.Output.Clear();
        copy.Graph.Output.Add(readout.Outputs.Select(name => new ValueInfoProto { Name = name }));
        return copy;
    }
}
