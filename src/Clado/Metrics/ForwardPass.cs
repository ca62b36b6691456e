using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Metrics;

/// <summary>An image that went forward through a network whose weights are inputs.</summary>
internal sealed class ForwardPass : IDisposable
{
    private readonly ImageBatch image;
    private readonly List<IDisposable> owned = [];

    /// <summary>Runs it.</summary>
    /// <param name="image">The image.</param>
    /// <param name="layers">The layers whose weights are inputs. Shape: [layers].</param>
    /// <param name="weights">Their weights. Shape: [layers][parameters].</param>
    /// <param name="session">The network.</param>
    public ForwardPass(ImageBatch image, IReadOnlyList<QuantizableLayer> layers, float[][] weights, GraphSession session)
    {
        this.image = image;
        var feed = image.Feed();
        owned.Add(feed);
        var fed = new OwnedList<OrtValue>(layers.Zip(weights, (layer, own) =>
            OrtValue.CreateTensorValueFromMemory(own, [.. layer.Shape])));
        owned.Add(fed);
        Values = feed.Concat(layers.Select(layer => layer.Weight).Zip(fed, KeyValuePair.Create)).ToDictionary();
        var outputs = session.Run(Values);
        owned.Add(outputs);
        foreach (var (name, value) in session.Outputs.Zip(outputs))
        {
            Values[name] = value;
        }
    }

    /// <summary>Inputs, weights and activations by name.</summary>
    public Dictionary<string, OrtValue> Values { get; }

    /// <summary>What is read of it. Shape: [outputs].</summary>
    public float[] Outputs { get; private set; } = [];

    /// <summary>Reads its outputs.</summary>
    /// <param name="readout">Where.</param>
    /// <param name="source">What errors call it.</param>
    /// <exception cref="CladoException">An output is NaN or infinite; nothing is left undisposed.</exception>
    public void Read(Readout readout, OutputSource source)
    {
        try
        {
            Outputs = readout.Collect(
                readout.Outputs.Select(name => Values[name].GetTensorDataAsSpan<float>().ToArray()), image, source);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Dispose() => owned.ForEach(own => own.Dispose());
}
