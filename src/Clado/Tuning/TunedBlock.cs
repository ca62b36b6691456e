using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tuning;

/// <summary>A part of a network between two places where a single tensor is all that lives: its layers are tuned together.</summary>
/// <param name="From">Name of the tensor that it takes; of the first block the image.</param>
/// <param name="To">Names of the tensors that it gives: one, or what the network is read at.</param>
/// <param name="Layers">Its layers, as positions among those given. Shape: [layers].</param>
internal sealed record TunedBlock(string From, IReadOnlyList<string> To, IReadOnlyList<int> Layers)
{
    // Layers that stand in a row are tuned together up to so many: with more, images are fitted, and not what they have in common.
    private const int MostInRow = 4;

    /// <summary>
    /// Finds the blocks, which together are the network. Residual and transformer blocks are as they are. Layers that stand in a row are
    /// joined up to where the tensor between them is narrow, as the end of an inverted residual is (arXiv 1801.04381).
    /// </summary>
    /// <param name="graph">The float network.</param>
    /// <param name="network">The network that codes run in: it has the places, too.</param>
    /// <param name="readout">Where it is read.</param>
    /// <param name="layers">The layers, in order of execution. Shape: [layers].</param>
    /// <returns>Shape: [blocks].</returns>
    public static IReadOnlyList<TunedBlock> Of(
        Graph graph, Graph network, Readout readout, IReadOnlyList<QuantizableLayer> layers)
    {
        var stretches = Stretches(graph, network, readout, layers);
        var blocks = new List<TunedBlock>();
        foreach (var (i, stretch) in stretches.Index())
        {
            bool isAlone = i == 0 || stretch.Layers.Count > 1 || stretches[i - 1].Layers.Count > 1;
            bool isFull = !isAlone && (blocks[^1].Layers.Count >= MostInRow || IsNarrow(graph, stretches[i - 1], stretch));
            if (isAlone || isFull)
            {
                blocks.Add(stretch);
                continue;
            }
            blocks[^1] = blocks[^1] with { To = stretch.To, Layers = [.. blocks[^1].Layers, .. stretch.Layers] };
        }
        return blocks;
    }

    /// <summary>Whether the tensor between two stretches is no larger than those at their other ends.</summary>
    private static bool IsNarrow(Graph graph, TunedBlock before, TunedBlock after)
    {
        long own = Elements(graph, after.From);
        return own <= Elements(graph, before.From) && own <= after.To.Sum(name => Elements(graph, name));
    }

    private static long Elements(Graph graph, string tensor) => graph.Tensors[tensor].ElementCount;

    /// <summary>The smallest parts that a single tensor goes into, each with at least one layer.</summary>
    private static List<TunedBlock> Stretches(Graph graph, Graph network, Readout readout, IReadOnlyList<QuantizableLayer> layers)
    {
        var ends = Blocks.Ends(graph);
        var read = readout.NodesIn(graph);
        int[] order =
        [
            .. Enumerable.Range(0, layers.Count).Where(i => layers[i].Nodes.Any(read.Contains)).OrderBy(i => layers[i].Nodes[0]),
        ];
        var stretches = new List<TunedBlock>();
        var (from, own, last) = (graph.Input, new List<int>(), 0);
        foreach (var (position, i) in order.Index())
        {
            own.Add(i);
            last = Math.Max(last, layers[i].Nodes[^1]);
            int next = order.Skip(position + 1).Select(later => layers[later].Nodes[0]).DefaultIfEmpty(0).Min();
            var end = ends.Take(next).Skip(last).LastOrDefault(
                name => name is not null && IsCut(graph, readout, name) && IsCut(network, readout, name));
            if (end is not null)
            {
                stretches.Add(new TunedBlock(from, [end], own));
                (from, own) = (end, []);
            }
        }
        return own.Count == 0 ? stretches : [.. stretches, new TunedBlock(from, readout.Outputs, own)];
    }

    /// <summary>Whether a tensor of numbers, the images' one after the other, is all that the answers need.</summary>
    private static bool IsCut(Graph graph, Readout readout, string name) =>
        graph.Tensors.GetValueOrDefault(name) is { Type: DataType.Float } info
        && !info.Batched.Skip(1).Any(batched => batched) && info.Batched.Take(1).Contains(graph.HasFreeBatch)
        && !readout.Outputs.Contains(name)
        && !graph.Walk.Behind(readout.Outputs, new HashSet<string> { name }).SelectMany(graph.Walk.Reads).Any(graph.Inputs.Names.Contains);
}
