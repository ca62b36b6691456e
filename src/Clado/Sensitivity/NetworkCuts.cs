using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>
/// Where a network is cut so that only what depends on a layer's weights has to run again: the layer's suffix.
/// A suffix takes the live tensors at its cut (skip connections included) and the layer's weight as inputs.
/// </summary>
internal sealed class NetworkCuts
{
    private readonly HashSet<string> shared;

    /// <summary>Cuts a network.</summary>
    /// <param name="graph">The network. It may have more nodes than the one the layers were found in: those that round activations.</param>
    /// <param name="layers">The layers to cut at. Shape: [layers].</param>
    /// <param name="readout">Where its outputs are read.</param>
    public NetworkCuts(Graph graph, IReadOnlyList<QuantizableLayer> layers, Readout readout)
    {
        (Graph, Readout) = (graph, readout);
        Layers = [.. layers.Select(layer => layer with { Nodes = graph.Consumers(layer.Weight) })];
        var read = readout.NodesIn(graph);
        var nodes = Layers.Select(layer => graph.Walk.DependentOn([layer.Weight]).Where(read.Contains).ToHashSet()).ToArray();
        // Sequences that come from before are made again, by nodes that do not depend on the weight.
        var running = nodes.Select(graph.WithMakers).ToArray();
        bool RunsLater(QuantizableLayer layer, int i) => running.Skip(i + 1).Any(later => layer.Nodes.Any(later.Contains));
        shared = [.. Layers.Where(RunsLater).SelectMany(ConstantsOf)];
        Suffixes = [.. Layers.Select((layer, i) => Cut(layer, nodes[i], running[i]))];
        BlockOf = Blocks.Of(graph, Layers);
        Taps = [.. Suffixes.SelectMany(s => s.Cut).Where(name => graph.Producer(name) >= 0).Concat(readout.Outputs).Distinct()];
    }

    /// <summary>The network.</summary>
    public Graph Graph { get; }

    /// <summary>Where its outputs are read.</summary>
    public Readout Readout { get; }

    /// <summary>Its layers, with the nodes that use them. Shape: [layers].</summary>
    public IReadOnlyList<QuantizableLayer> Layers { get; }

    /// <summary>What runs again when a layer changes. Shape: [layers].</summary>
    public IReadOnlyList<Suffix> Suffixes { get; }

    /// <summary>Block of each layer. Shape: [layers].</summary>
    public IReadOnlyList<int> BlockOf { get; }

    /// <summary>Tensors that a pass of the whole network keeps: all cuts, and the outputs. Shape: [tensors].</summary>
    public IReadOnlyList<string> Taps { get; }

    /// <summary>
    /// Constants of layers whose weight runs in the suffix of a later layer too, as one used at several depths does.
    /// There they are inputs like any live tensor.
    /// </summary>
    public IReadOnlySet<string> Shared => shared;

    /// <summary>Elements an image of <see cref="Taps"/>.</summary>
    public long TapElementCount => Taps.Sum(name => Graph.Tensors[name].ElementCount);

    /// <summary>MACs an image of the whole network's layers.</summary>
    public long Macs => Layers.Sum(l => l.Macs);

    /// <summary>Names of a layer's constants: its weight, and its bias where it has one of its own.</summary>
    public static IEnumerable<string> ConstantsOf(QuantizableLayer layer) =>
        layer.Bias is null ? [layer.Weight] : [layer.Weight, layer.Bias];

    /// <summary>Inputs of a layer's suffix.</summary>
    public HashSet<string> SuffixInputs(int layer) => [.. Suffixes[layer].Cut, .. ConstantsOf(Layers[layer])];

    /// <summary>Outputs of a layer's suffix: those of the network that change.</summary>
    /// <param name="layer">The layer. Range: [0, layers).</param>
    /// <param name="tapped">Whether what changes in the cuts of later layers is among them.</param>
    /// <returns>Shape: [tensors].</returns>
    public string[] SuffixOutputs(int layer, bool tapped)
    {
        var later = tapped ? Suffixes.Skip(layer + 1).SelectMany(s => s.Cut) : [];
        return [.. later.Concat(Readout.Outputs).Where(Suffixes[layer].Made.Contains).Distinct()];
    }

    private Suffix Cut(QuantizableLayer layer, IEnumerable<int> nodes, IReadOnlySet<int> running)
    {
        var needs = Graph.Walk.Needs([.. running]).Where(name => name != layer.Weight).ToArray();
        var bodies = running.SelectMany(i => GraphWalk.Bodies(Graph.Nodes[i]));
        var constants = needs.Where(Graph.Initializers.ContainsKey);
        return new Suffix(
            Graph.Walk.Made([.. nodes]),
            needs.Where(name => !Graph.Initializers.ContainsKey(name) || shared.Contains(name)).ToHashSet(),
            Layers.Where(l => l.Nodes.Any(running.Contains)).Sum(l => l.Macs),
            constants.Sum(name => (long)Graph.Initializers[name].CalculateSize()) + bodies.Sum(b => (long)b.CalculateSize()));
    }
}

/// <summary>What runs again when a layer changes.</summary>
/// <param name="Made">Tensors that change with it; the sequences that are made again as they were are not among them.</param>
/// <param name="Cut">Tensors it takes from before, the layer's own weight left out.</param>
/// <param name="Macs">MACs an image.</param>
/// <param name="ConstantBytes">Bytes of the constants it uses, those in bodies too, the layer's own weight left out.</param>
internal sealed record Suffix(IReadOnlySet<string> Made, IReadOnlySet<string> Cut, long Macs, long ConstantBytes);
