using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Sensitivity;

/// <summary>Activations of a batch: those that differ from a parent state, and the parent for all others.</summary>
/// <param name="parent">The state before, or null.</param>
/// <param name="batch">The images.</param>
/// <param name="source">Whose activations they are.</param>
internal sealed class NetworkState(NetworkState? parent, ImageBatch batch, OutputSource source) : IDisposable
{
    private readonly Dictionary<string, OrtValue> values = [];
    private readonly List<IDisposable> owned = [];

    /// <summary>The images.</summary>
    public ImageBatch Batch { get; } = batch;

    /// <summary>Whose activations they are.</summary>
    public OutputSource Source { get; } = source;

    /// <summary>Images in the batch.</summary>
    public int ImageCount => Batch.Count;

    /// <summary>Takes the network's inputs over.</summary>
    public void Add(InputFeed feed)
    {
        foreach (var (name, value) in feed)
        {
            values[name] = value;
        }
        owned.Add(feed);
    }

    /// <summary>Takes the outputs of a run over.</summary>
    public void Add(IReadOnlyList<string> names, IDisposableReadOnlyCollection<OrtValue> outputs)
    {
        for (int i = 0; i < names.Count; i++)
        {
            values[names[i]] = outputs[i];
        }
        owned.Add(outputs);
    }

    /// <summary>Adds a value that somebody else disposes.</summary>
    public void Borrow(string name, OrtValue value) => values[name] = value;

    public OrtValue? Find(string name) => values.TryGetValue(name, out var value) ? value : parent?.Find(name);

    public void Dispose()
    {
        foreach (var item in owned)
        {
            item.Dispose();
        }
    }
}
