using Clado.Graphs;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Layers;

/// <summary>
/// Residual and transformer blocks, found from the graph: stretches between two places where a single tensor is all that lives.
/// </summary>
internal static class Blocks
{
    /// <summary>The block of each layer.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <returns>Block numbers, ascending along the network. Shape: [layers].</returns>
    public static int[] Of(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(layers);
        var ends = Ends(graph);
        return [.. layers.Select(layer => ends.Take(layer.Nodes[0]).Count(end => end is not null))];
    }

    /// <summary>Where the block of each layer ends.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <returns>Names of the tensors that are all that lives there; null where there is none. Shape: [layers].</returns>
    public static string?[] EndsOf(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        var ends = Ends(graph);
        return [.. layers.Select(layer => ends.Skip(layer.Nodes[^1]).FirstOrDefault(end => end is not null))];
    }

    /// <summary>The tensor that is all that lives after each node; null where there are several, or none. Shape: [nodes].</summary>
    /// <param name="graph">The network.</param>
    public static string?[] Ends(Graph graph)
    {
        // Shapes and indices that travel beside the activations hold no block together.
        bool IsActivation(string name) =>
            !graph.Tensors.TryGetValue(name, out var info) || (info.Type == DataType.Float && info.Batched.Any(b => b));
        bool fixedBatch = !graph.HasFreeBatch;
        var outputs = graph.Outputs.ToHashSet();
        var live = new Dictionary<string, int> { [graph.Input] = graph.Consumers(graph.Input).Count };
        var ends = new string?[graph.Nodes.Count];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (var input in graph.Walk.Reads(i).Where(live.ContainsKey))
            {
                if (--live[input] == 0)
                {
                    live.Remove(input);
                }
            }
            foreach (var output in graph.Nodes[i].Output.Where(o => o.Length > 0 && (fixedBatch || IsActivation(o))))
            {
                int readers = graph.Consumers(output).Count + (outputs.Contains(output) ? 1 : 0);
                if (readers > 0)
                {
                    live.Add(output, readers);
                }
            }
            ends[i] = live.Count == 1 ? live.Keys.Single() : null;
        }
        return ends;
    }
}
