using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Sensitivity;

/// <summary>
/// Runs a network with some layers' weights replaced, and only what depends on them: every layer's suffix is a session of its own that takes
/// the live tensors at the layer's cut (skip connections included) and the layer's weight as inputs.
/// </summary>
internal sealed class PerturbedNetwork : IDisposable
{
    private readonly Graph graph;
    private readonly IReadOnlyList<QuantizableLayer> layers;
    private readonly Readout readout;
    private readonly OutputSource source;
    private readonly Suffix[] suffixes;
    private readonly Dictionary<string, OrtValue> shared;
    private readonly Lazy<GraphSession> whole;

    // One at a time where memory is tight: while a session is made, its constants are there several times over.
    private readonly Lock making = new();
    private readonly SessionCache<(int Layer, bool Tapped)> sessions;

    public PerturbedNetwork(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, Readout readout, OutputSource source, Func<PerturbedNetwork, MemoryPlan> plan)
    {
        // The graph may have more nodes than the one the layers were found in: those that round activations.
        layers = [.. layers.Select(layer => layer with { Nodes = graph.Consumers(layer.Weight) })];
        (this.graph, this.layers, this.readout, this.source) = (graph, layers, readout, source);
        var nodes = layers.Select(layer => graph.Walk.DependentOn([layer.Weight]).ToHashSet()).ToArray();
        // Sequences that come from before are made again, by nodes that do not depend on the weight.
        var running = nodes.Select(graph.WithMakers).ToArray();
        // A weight used at several depths, by a body for instance, runs in the suffix of later layers: there it and its layer's bias are inputs like any live tensor.
        var sharing = layers.Where((layer, i) => running.Skip(i + 1).Any(later => layer.Nodes.Any(later.Contains))).ToArray();
        string[] names = [.. sharing.SelectMany(ConstantsOf)];
        suffixes = [.. layers.Select((layer, i) => Cut(layer, nodes[i], running[i], names))];
        BlockOf = Blocks.Of(graph, layers);
        var taps = suffixes.SelectMany(s => s.Cut).Where(name => graph.Producer(name) >= 0).Concat(readout.Outputs).Distinct().ToArray();
        BaseElementCount = taps.Sum(name => graph.Tensors[name].ElementCount);
        whole = new(() => Session([.. graph.Inputs.Names], taps));
        Plan = plan(this);
        sessions = new(Plan.SessionLimitBytes);
        // The last that can fail, so that nothing is left undisposed.
        shared = names.ToDictionary(name => name, name => Constant(name, TensorData.ReadSingles(graph.File, graph.Initializers[name])));
    }

    /// <summary>Batch size and what is kept, so that all fits in memory.</summary>
    public MemoryPlan Plan { get; }

    /// <summary>Bytes of the constants of each layer's suffix. Shape: [layers].</summary>
    public IReadOnlyList<long> SuffixConstantBytes => [.. suffixes.Select(s => s.ConstantBytes)];

    /// <summary>Block of each layer. Shape: [layers].</summary>
    public int[] BlockOf { get; }

    /// <summary>Elements an image that the float network's cached activations take.</summary>
    public long BaseElementCount { get; }

    /// <summary>MACs an image of the whole network's layers.</summary>
    public long TotalMacs => layers.Sum(l => l.Macs);

    /// <summary>MACs an image of what reruns when a layer is perturbed.</summary>
    public long SuffixMacs(int layer) => suffixes[layer].Macs;

    /// <summary>The float network on a batch, with every layer's cut cached.</summary>
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
        var state = new NetworkState(from, from.Batch, OutputSource.Quantized(graph.File, $"'{layers[layer].Name}' at {values.Bits} bits"));
        var (names, made) = sessions.Use(
            (layer, tapped), MemoryPlan.SessionBytes(suffixes[layer].ConstantBytes), () => SuffixSession(layer, tapped),
            session => (session.Outputs, session.Run(name => name == layers[layer].Weight ? values.Weight : name == layers[layer].Bias ? values.Bias! : Value(from, name))));
        state.Add(names, made);
        foreach (var name in ConstantsOf(layers[layer]).Where(shared.ContainsKey))
        {
            state.Borrow(name, name == layers[layer].Weight ? values.Weight : values.Bias!);
        }
        return state;
    }

    /// <summary>The outputs of a state, all of an image together. Shape: [images · outputs].</summary>
    public float[] Outputs(NetworkState state) =>
        readout.Collect(
            readout.Outputs.Select(name => Value(state, name).GetTensorDataAsSpan<float>().ToArray()), state.Batch, state.Source);

    /// <summary>A candidate's weights and bias as tensors; the caller disposes them.</summary>
    public LayerValues Values(Candidate candidate)
    {
        var layer = candidate.Layer;
        var bias = layer.Bias is null ? null : candidate.Bias ?? TensorData.ReadSingles(graph.File, graph.Initializers[layer.Bias]);
        return new LayerValues(candidate.Bits, Constant(layer.Weight, candidate.Dequantize()), bias is null ? null : Constant(layer.Bias!, bias));
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

    private static IEnumerable<string> ConstantsOf(QuantizableLayer layer) => layer.Bias is null ? [layer.Weight] : [layer.Weight, layer.Bias];

    private OrtValue Constant(string name, float[] values) => OrtValue.CreateTensorValueFromMemory(values, [.. graph.Initializers[name].Dims]);

    private OrtValue Value(NetworkState state, string name) => state.Find(name) ?? shared[name];

    private Suffix Cut(QuantizableLayer layer, IEnumerable<int> nodes, IReadOnlySet<int> running, string[] inputs)
    {
        var needs = graph.Walk.Needs([.. running]).Where(name => name != layer.Weight).ToArray();
        var bodies = running.SelectMany(i => GraphWalk.Bodies(graph.Nodes[i]));
        return new Suffix(
            graph.Walk.Made([.. nodes]),
            needs.Where(name => !graph.Initializers.ContainsKey(name) || inputs.Contains(name)).ToHashSet(),
            layers.Where(l => l.Nodes.Any(running.Contains)).Sum(l => l.Macs),
            needs.Where(graph.Initializers.ContainsKey).Sum(name => (long)graph.Initializers[name].CalculateSize()) + bodies.Sum(body => (long)body.CalculateSize()));
    }

    private GraphSession SuffixSession(int layer, bool tapped)
    {
        var suffix = suffixes[layer];
        var later = tapped ? suffixes.Skip(layer + 1).SelectMany(s => s.Cut) : [];
        var outputs = later.Concat(readout.Outputs).Where(suffix.Made.Contains).Distinct().ToArray();
        return Session([.. suffix.Cut, .. ConstantsOf(layers[layer])], outputs);
    }

    private GraphSession Session(HashSet<string> inputs, string[] outputs)
    {
        if (!Plan.IsTight)
        {
            return new(GraphPart.Extract(graph, inputs, outputs), graph.File);
        }
        lock (making)
        {
            return new(GraphPart.Extract(graph, inputs, outputs), graph.File, releasesMemory: true);
        }
    }

    /// <summary>What reruns when a layer changes.</summary>
    /// <param name="Made">Tensors that change with it; the sequences that are made again as they were are not among them.</param>
    /// <param name="Cut">Tensors it takes from before, the layer's own weight left out.</param>
    /// <param name="Macs">MACs an image.</param>
    /// <param name="ConstantBytes">Bytes of the constants it uses, those in bodies too, the layer's own weight left out.</param>
    private sealed record Suffix(IReadOnlySet<string> Made, IReadOnlySet<string> Cut, long Macs, long ConstantBytes);
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
