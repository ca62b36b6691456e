using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Calibration;

/// <summary>
/// A network that runs on every batch of images a part at a time.
/// The tensors that later nodes read are kept from part to part, so that all parts together take one pass.
/// A constant may be replaced until a node that reads it has run.
/// </summary>
/// <param name="graph">The network.</param>
/// <param name="batches">The images.</param>
/// <param name="plan">The parts, see <see cref="NetworkPart.Plan"/>.</param>
internal sealed class CarriedNetwork(Graph graph, ImageBatches batches, IEnumerable<NetworkPart> plan) : IDisposable
{
    private readonly Dictionary<string, OrtValue>?[] carried = new Dictionary<string, OrtValue>?[batches.Count];
    private readonly Dictionary<string, OrtValue> replaced = [];
    private readonly Queue<NetworkPart> ahead = new(plan);
    private NetworkPart? part;
    private GraphSession? onward;
    private GraphSession? transient;

    /// <summary>Gives a constant other values.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">The values. Shape: that of the constant, flat.</param>
    public void Replace(string name, float[] values) =>
        replaced.Add(name, OrtValue.CreateTensorValueFromMemory(values, [.. graph.Initializers[name].Dims]));

    /// <summary>Goes on to the next part. Every batch has to be run before the part after it.</summary>
    public void Advance()
    {
        DisposeSessions();
        part = ahead.Dequeue();
        onward = Session(part.Before, part.Made);
        transient = Session(part.After, part.Transient);
    }

    /// <summary>Runs the part on a batch. Safe from several threads, each with a batch of its own.</summary>
    /// <param name="batch">Index of the batch. Range: [0, batches).</param>
    /// <returns>At least the tensors the part was planned for.</returns>
    public BatchTensors Run(int batch)
    {
        // Held from the beginning: where a run fails, they are disposed with this.
        var values = carried[batch] ??= new(batches.Load(batch).Feed());
        Add(onward, values, values);
        foreach (var name in part!.Before.Except(part.After))
        {
            values.Remove(name, out var value);
            value!.Dispose();
        }
        var own = new Dictionary<string, OrtValue>();
        Add(transient, values, own);
        carried[batch] = part.IsCarried ? values : null;
        return new BatchTensors(values, part.IsCarried, own);
    }

    public void Dispose()
    {
        DisposeSessions();
        var kept = carried.OfType<Dictionary<string, OrtValue>>();
        foreach (var value in kept.Append(replaced).SelectMany(values => values.Values))
        {
            value.Dispose();
        }
    }

    private void DisposeSessions()
    {
        onward?.Dispose();
        transient?.Dispose();
    }

    /// <summary>A session that computes tensors from others and the replaced constants; null where there is nothing to compute.</summary>
    private GraphSession? Session(IReadOnlyList<string> given, IReadOnlyList<string> wanted) =>
        wanted.Count == 0 ? null : new GraphSession(GraphPart.Extract(graph, given.Concat(replaced.Keys).ToHashSet(), wanted), graph.File);

    private void Add(GraphSession? session, Dictionary<string, OrtValue> given, Dictionary<string, OrtValue> target)
    {
        if (session is not null)
        {
            var outputs = session.Run(name => given.GetValueOrDefault(name) ?? replaced[name]);
            foreach (var (name, value) in session.Outputs.Zip(outputs).ToArray())
            {
                target.Add(name, value);
            }
        }
    }
}

/// <summary>Tensors of a batch by name.</summary>
/// <param name="values">Tensors.</param>
/// <param name="areCarried">Whether the next part needs these too, so that they are not disposed with this.</param>
/// <param name="own">More tensors, which are always disposed with this.</param>
internal sealed class BatchTensors(Dictionary<string, OrtValue> values, bool areCarried, Dictionary<string, OrtValue> own) : IDisposable
{
    public OrtValue this[string name] => own.GetValueOrDefault(name) ?? values[name];

    public void Dispose()
    {
        foreach (var value in areCarried ? own.Values : values.Values.Concat(own.Values))
        {
            value.Dispose();
        }
    }
}
