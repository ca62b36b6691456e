using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>
/// A stretch of a network whose nodes depend on one tensor and take nothing else from before: from one residual block to a later one, as a
/// rule. The suffixes of all layers before it run through it, so that its constants are held once, not once a layer.
/// </summary>
/// <param name="From">The tensor.</param>
/// <param name="Nodes">Indices of its nodes, up to where the next one begins, ascending. Shape: [nodes].</param>
internal sealed record Segment(string From, IReadOnlyList<int> Nodes)
{
    // A pass through many takes longer than one through few.
    private const int MostSegments = 16;

    /// <summary>What the layers' own parts of their suffixes may hold together before a network is divided further.</summary>
    public const long FewBytes = 256L << 20;

    /// <summary>Divides a network.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <param name="read">Indices of the nodes that its outputs depend on.</param>
    /// <param name="fewBytes">What the layers' own parts may hold together before it is divided further. Range: [1, inf).</param>
    /// <returns>What lies before the first one is not among them. Shape: [segments].</returns>
    public static IReadOnlyList<Segment> Of(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlySet<int> read, long fewBytes = FewBytes)
    {
        var ofLayers = layers.SelectMany(layer => layer.Nodes).ToHashSet();
        IReadOnlyList<int> rest = [.. graph.Walk.DependentOn(graph.Inputs.Names).Where(read.Contains)];
        // A layer's own part holds half a segment in the mean.
        long all = ConstantBytes(graph, rest), count = Math.Min(MostSegments, all / 2 * layers.Count / fewBytes);
        if (count <= 1)
        {
            return [];
        }
        var begins = new List<(string? From, IReadOnlyList<int> Nodes)> { (null, rest) };
        foreach (var from in Blocks.Ends(graph).OfType<string>().Distinct())
        {
            // An activation function is computed together with what it follows, and not divided from it.
            var readers = graph.Consumers(from);
            bool canBegin = begins[^1].Nodes.Contains(graph.Producer(from)) && (readers.Count > 1 || readers.Any(ofLayers.Contains));
            int[] after = canBegin ? [.. graph.Walk.DependentOn([from]).Where(read.Contains)] : [];
            if (after.Length > 0 && graph.Needs(after).Where(name => !graph.Initializers.ContainsKey(name)).SequenceEqual([from])
                && ConstantBytes(graph, begins[^1].Nodes.Except(after)) > all / count)
            {
                begins.Add((from, after));
            }
        }
        var ends = begins.Skip(1).Select(next => next.Nodes).Append([]);
        return [.. begins.Zip(ends, (begin, after) => (begin.From, Nodes: begin.Nodes.Except(after)))
            .Skip(1).Select(own => new Segment(own.From!, [.. own.Nodes]))];
    }

    /// <summary>Bytes of the constants that nodes use, those in their bodies too.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="nodes">Their indices.</param>
    public static long ConstantBytes(Graph graph, IEnumerable<int> nodes)
    {
        int[] all = [.. nodes];
        var constants = all.SelectMany(graph.Walk.Reads).Distinct().Where(graph.Initializers.ContainsKey);
        return constants.Sum(name => (long)graph.Initializers[name].CalculateSize())
            + all.SelectMany(node => GraphWalk.Bodies(graph.Nodes[node])).Sum(body => (long)body.CalculateSize());
    }
}
