using Clado.Activations;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Repair;

/// <summary>A network in floats whose activations are rounded range by range, as every run wants it. Safe on several threads.</summary>
internal sealed class SwitchedNetwork : IDisposable
{
    private readonly GraphSession session;
    private readonly Graph graph;
    private readonly Readout readout;
    private readonly (string Scale, string ZeroPoint, string Switch)[] inputs;

    /// <summary>Makes it ready to run.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="plan">Its ranges.</param>
    /// <param name="readout">Where its outputs are read.</param>
    public SwitchedNetwork(Graph graph, ActivationPlan plan, Readout readout)
    {
        (this.graph, this.readout) = (graph, readout);
        var names = new TensorNames(graph);
        inputs = [.. Enumerable.Range(0, plan.Ranges.Count).Select(range => SwitchedRounding.Inputs(names, range))];
        var model = SwitchedRounding.Of(graph, plan);
        model.Graph.Output.Clear();
        model.Graph.Output.Add(readout.Outputs.Select(name => new ValueInfoProto { Name = name }));
        session = new GraphSession(model, graph.File);
    }

    /// <summary>Runs a batch with one range rounded.</summary>
    /// <param name="batch">The images.</param>
    /// <param name="range">The range. Range: [0, ranges).</param>
    /// <param name="grid">Its grid.</param>
    /// <returns>Outputs, all of an image together, or null where one is no number. Shape: [images · elements].</returns>
    public float[]? Run(ImageBatch batch, int range, (float Scale, byte ZeroPoint) grid)
    {
        using var feed = batch.Feed(graph.Inputs);
        for (int other = 0; other < inputs.Length; other++)
        {
            var (scale, zeroPoint) = other == range ? grid : (1, (byte)0);
            feed.Add(inputs[other].Scale, Scalar(scale));
            feed.Add(inputs[other].ZeroPoint, Scalar(zeroPoint));
            feed.Add(inputs[other].Switch, Scalar(other == range));
        }
        using var values = session.Run(feed);
        float[][] outputs = [.. values.Select(v => v.GetTensorDataAsSpan<float>().ToArray())];
        return outputs.All(Finite.Are) ? readout.Collect(outputs, batch, OutputSource.Quantized(graph.File)) : null;
    }

    public void Dispose() => session.Dispose();

    private static OrtValue Scalar<T>(T value) where T : unmanaged => OrtValue.CreateTensorValueFromMemory((T[])[value], []);
}
