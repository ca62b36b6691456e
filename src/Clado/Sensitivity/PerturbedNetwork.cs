using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Sensitivity;

/// <summary>
/// Runs a network with some layers' weights replaced, and only what depends on them: every part of a suffix is a session.
/// </summary>
internal sealed class PerturbedNetwork : IDisposable
{
    private readonly Graph graph;
    private readonly NetworkCuts cuts;
    private readonly OutputSource source;
    private readonly bool isTight;
    private readonly Provider provider;
    private readonly Dictionary<string, OrtValue> shared;
    private readonly IReadOnlyList<long> bytes;
    private readonly Lazy<GraphSession> whole;

    // One at a time where memory is tight: while a session is made, its constants are there several times over.
    private readonly Lock making = new();
    private readonly SessionCache<(int Part, bool Tapped)> sessions;

    /// <summary>Makes the network; its sessions are made when they are first used.</summary>
    /// <param name="graph">The network that is measured around: the float one, or one whose constants alone are others.</param>
    /// <param name="cuts">Where the float one is cut.</param>
    /// <param name="source">What errors call it.</param>
    /// <param name="memory">How many sessions are kept.</param>
    /// <param name="provider">Where it computes.</param>
    public PerturbedNetwork(Graph graph, NetworkCuts cuts, OutputSource source, MemoryPlan memory, Provider provider = Provider.Cpu)
    {
        (this.graph, this.cuts, this.source, isTight, this.provider) = (graph, cuts, source, memory.IsTight, provider);
        whole = new(() => Session([.. graph.Inputs.Names], [.. cuts.Taps]));
        sessions = new(memory.SessionLimitBytes);
        bytes = cuts.PartBytes;
        // The last that can fail, so that nothing is left undisposed.
        shared = cuts.Shared.ToDictionary(name => name, name => Constant(name, Original(name)));
    }

    /// <summary>The network on a batch, with every layer's cut kept.</summary>
    public NetworkState Run(ImageBatch batch)
    {
        var state = new NetworkState(null, batch, source);
        try
        {
            state.Add(batch.Feed());
            state.Add(whole.Value.Outputs, whole.Value.Run(name => Value(state, name)));
            return state;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a layer's weights on top of a state and reruns what depends on them.</summary>
    /// <param name="from">The state before; it stays as it is and must outlive the new one.</param>
    /// <param name="layer">The layer. Range: [0, layers).</param>
    /// <param name="values">Its weights and bias; they must outlive the new state.</param>
    /// <param name="tapped">Whether the cuts of later layers are kept, so that one of them can be replaced next.</param>
    public NetworkState Perturb(NetworkState from, int layer, LayerValues values, bool tapped)
    {
        var replaced = cuts.Layers[layer];
        OrtValue? Own(string name) => name == replaced.Weight ? values.Weight : name == replaced.Bias ? values.Bias : null;
        var state = new NetworkState(from, from.Batch, OutputSource.Quantized(graph.File, $"'{replaced.Name}' at {values.Bits} bits"));
        try
        {
            foreach (int part in cuts.PartsOf(layer))
            {
                var (names, made) = sessions.Use(
                    (part, tapped),
                    MemoryPlan.SessionBytes(bytes[part], provider),
                    () => Session(cuts.InputsOf(part), cuts.OutputsOf(part, tapped)),
                    session => (session.Outputs, session.Run(name => Own(name) ?? Value(state, name))));
                state.Add(names, made);
            }
        }
        catch
        {
            state.Dispose();
            throw;
        }
        foreach (var name in NetworkCuts.ConstantsOf(replaced).Where(shared.ContainsKey))
        {
            state.Borrow(name, Own(name)!);
        }
        return state;
    }

    /// <summary>The outputs of a state, all of an image together. Shape: [images · outputs].</summary>
    public float[] Outputs(NetworkState state) => cuts.Readout.Collect(
        cuts.Readout.Outputs.Select(name => Value(state, name).GetTensorDataAsSpan<float>().ToArray()), state.Batch, state.Source);

    /// <summary>A candidate's weights and bias as tensors; the caller disposes them.</summary>
    public LayerValues Values(Candidate candidate)
    {
        var layer = candidate.Layer;
        var bias = layer.Bias is null ? null : candidate.Bias ?? Original(layer.Bias);
        return new LayerValues(
            candidate.Bits, Constant(layer.Weight, candidate.Dequantize()), bias is null ? null : Constant(layer.Bias!, bias));
    }

    public void Dispose()
    {
        sessions.Dispose();
        if (whole.IsValueCreated)
        {
            whole.Value.Dispose();
        }
        foreach (var value in shared.Values)
        {
            value.Dispose();
        }
    }

    private float[] Original(string name) => TensorData.ReadSingles(graph.File, graph.Initializers[name]);

    private OrtValue Constant(string name, float[] values) =>
        OrtValue.CreateTensorValueFromMemory(values, [.. graph.Initializers[name].Dims]);

    private OrtValue Value(NetworkState state, string name) => state.Find(name) ?? shared[name];

    private GraphSession Session(HashSet<string> inputs, string[] outputs)
    {
        // What is read of the network comes to the processor; cuts stay where the sessions that take them compute.
        GraphSession Made() => new(
            GraphPart.Extract(graph, inputs, outputs), graph.File, releasesMemory: isTight, provider: provider,
            kept: outputs.Except(cuts.Readout.Outputs).ToHashSet());
        if (!isTight)
        {
            return Made();
        }
        lock (making)
        {
            return Made();
        }
    }
}

/// <summary>What takes the place of a layer's constants.</summary>
/// <param name="Bits">Its width.</param>
/// <param name="Weight">Its weight.</param>
/// <param name="Bias">Its bias, where it has one of its own.</param>
internal sealed record LayerValues(int Bits, OrtValue Weight, OrtValue? Bias) : IDisposable
{
    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
    }
}
