using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>What a layer's candidates change of its constants.</summary>
/// <param name="Layer">The layer, with the nodes that use it.</param>
/// <param name="Rows">Rows of its candidates. Shape: [candidates].</param>
/// <param name="Weights">Changes of its weight. Shape: [candidates · parameters].</param>
/// <param name="Biases">Changes of its bias; null where no candidate has one. Shape: [candidates · channels].</param>
internal sealed record LayerChanges(QuantizableLayer Layer, int[] Rows, float[] Weights, float[]? Biases)
{
    /// <summary>Whether its rows (output channels) are measured too.</summary>
    public bool HasChannels { get; init; }

    /// <summary>The changes of all layers.</summary>
    /// <param name="graph">The network that is measured around.</param>
    /// <param name="cuts">Its layers.</param>
    /// <param name="candidates">What they can be replaced by.</param>
    /// <param name="channels">Where the rows lie that are measured too; null where none are.</param>
    public static IReadOnlyList<LayerChanges> Of(Graph graph, NetworkCuts cuts, CandidateSet candidates, ChannelOffsets? channels) =>
    [
        .. cuts.Layers.Select((layer, index) =>
        {
            int[] rows = [.. candidates.LayerOf.Index().Where(row => row.Item == index).Select(row => row.Index)];
            Candidate[] items = [.. rows.Select(row => candidates.Items[row])];
            float[] weight = Values(graph, layer.Weight), bias = layer.Bias is null ? [] : Values(graph, layer.Bias);
            return new LayerChanges(
                layer, rows, Differences(items.Select(item => item.Dequantize()), weight, items.Length),
                items.Any(item => item.Bias is not null) ? Differences(items.Select(item => item.Bias ?? bias), bias, items.Length) : null)
            {
                HasChannels = channels?.CountOf(rows[0]) > 0,
            };
        }),
    ];

    /// <summary>Changes of nothing, one a layer, weights and biases: to see whether there are gradients.</summary>
    /// <param name="cuts">The layers.</param>
    public static IReadOnlyList<LayerChanges> None(NetworkCuts cuts) =>
        [.. cuts.Layers.Select((layer, index) => new LayerChanges(
            layer, [index], new float[layer.Parameters], layer.Bias is null ? null : new float[layer.ChannelCount]))];

    private static float[] Values(Graph graph, string constant) => TensorData.ReadSingles(graph.File, graph.Initializers[constant]);

    private static float[] Differences(IEnumerable<float[]> values, float[] before, int count)
    {
        var differences = new float[count * before.Length];
        foreach (var (i, own) in values.Index())
        {
            TensorPrimitives.Subtract(own, before, differences.AsSpan(i * before.Length, before.Length));
        }
        return differences;
    }
}
