using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>
/// Where a network is cut so that only what depends on a layer's weights has to run again: the layer's suffix.
/// A suffix takes the live tensors at its cut (skip connections included) and the layer's weight as inputs. It runs in parts: one of the
/// layer's own, and then the segments that it shares with the layers before.
/// </summary>
internal sealed class NetworkCuts
{
    private readonly HashSet<string> shared;
    private readonly IReadOnlyList<Segment> segments;

    /// <summary>Cuts a network.</summary>
    /// <param name="graph">The network. It may have more nodes than the one the layers were found in: those that round activations.</param>
    /// <param name="layers">The layers to cut at. Shape: [layers].</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="fewBytes">Constants that layers' own parts may hold before suffixes share more. Range: [1, inf).</param>
    public NetworkCuts(Graph graph, IReadOnlyList<QuantizableLayer> layers, Readout readout, long fewBytes = Segment.FewBytes)
    {
        (Graph, Readout) = (graph, readout);
        Layers = [.. layers.Select(layer => layer with { Nodes = graph.Consumers(layer.Weight) })];
        var read = readout.NodesIn(graph);
        var nodes = Layers.Select(layer => graph.Walk.DependentOn([layer.Weight]).Where(read.Contains).ToHashSet()).ToArray();
        // Sequences that come from before are made again, by nodes that do not depend on the weight.
        var running = nodes.Select(graph.WithMakers).ToArray();
        bool RunsLater(QuantizableLayer layer, int i) => running.Skip(i + 1).Any(later => layer.Nodes.Any(later.Contains));
        shared = [.. Layers.Where(RunsLater).SelectMany(ConstantsOf)];
        segments = Segment.Of(graph, Layers, read, fewBytes);
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

    /// <summary>The parts that run one after the other when a layer changes. Shape: [parts].</summary>
    /// <param name="layer">The layer. Range: [0, layers).</param>
    public IEnumerable<int> PartsOf(int layer) => Enumerable.Range(Layers.Count, segments.Count).Skip(Suffixes[layer].Next).Prepend(layer);

    /// <summary>Bytes of the constants that a part holds: of layers their own ones, in their order, and then of segments.</summary>
    public IReadOnlyList<long> PartBytes =>
        [.. Suffixes.Select(suffix => suffix.ConstantBytes), .. segments.Select(own => Segment.ConstantBytes(Graph, own.Nodes))];

    /// <summary>What a part may be given.</summary>
    /// <param name="part">The part. Range: [0, layers + segments).</param>
    public HashSet<string> InputsOf(int part) => part < Layers.Count
        ? [.. Suffixes[part].Cut, .. ConstantsOf(Layers[part])]
        : [segments[part - Layers.Count].From, .. shared];

    /// <summary>What a part makes for those after it, and of what is read.</summary>
    /// <param name="part">The part. Range: [0, layers + segments).</param>
    /// <param name="tapped">Whether the cuts of later layers are among it.</param>
    /// <returns>Shape: [tensors].</returns>
    public string[] OutputsOf(int part, bool tapped)
    {
        int next = part < Layers.Count ? Suffixes[part].Next : part - Layers.Count + 1;
        var made = part < Layers.Count ? Suffixes[part].Made : Graph.Walk.Made(segments[part - Layers.Count].Nodes);
        var beyond = segments.Skip(next).SelectMany(own => Graph.Walk.Made(own.Nodes)).ToHashSet();
        var later = tapped ? Suffixes.Skip(part < Layers.Count ? part + 1 : 0).SelectMany(s => s.Cut) : [];
        var wanted = segments.Skip(next).Take(1).Select(own => own.From).Concat(later).Concat(Readout.Outputs);
        return [.. wanted.Where(name => made.Contains(name) && !beyond.Contains(name)).Distinct()];
    }

    private Suffix Cut(QuantizableLayer layer, IEnumerable<int> nodes, IReadOnlySet<int> running)
    {
        var needs = Graph.Walk.Needs([.. running]).Where(name => name != layer.Weight).ToArray();
        var made = Graph.Walk.Made([.. nodes]);
        int next = segments.TakeWhile(own => !made.Contains(own.From)).Count();
        var beyond = segments.Skip(next).SelectMany(own => own.Nodes).ToHashSet();
        if (layer.Nodes.Any(beyond.Contains) && !shared.Contains(layer.Weight))
        {
            // A segment would take the weight for a constant.
            (next, beyond) = (segments.Count, []);
        }
        return new Suffix(
            made,
            needs.Where(name => !Graph.Initializers.ContainsKey(name) || shared.Contains(name)).ToHashSet(),
            Layers.Where(l => l.Nodes.Any(running.Contains)).Sum(l => l.Macs),
            Segment.ConstantBytes(Graph, running.Except(beyond)) - Graph.Initializers[layer.Weight].CalculateSize(),
            next);
    }
}

/// <summary>What runs again when a layer changes.</summary>
/// <param name="Made">Tensors that change with it; the sequences that are made again as they were are not among them.</param>
/// <param name="Cut">Tensors it takes from before, the layer's own weight left out.</param>
/// <param name="Macs">MACs an image.</param>
/// <param name="ConstantBytes">
/// Bytes of the constants it uses before the segments that it shares, those in bodies too, the layer's own weight left out.
/// </param>
/// <param name="Next">The first of those segments. Range: [0, segments].</param>
internal sealed record Suffix(IReadOnlySet<string> Made, IReadOnlySet<string> Cut, long Macs, long ConstantBytes, int Next);
