using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Rounding;
using static System.FormattableString;

namespace Clado;

/// <summary>What of a model is quantized already.</summary>
/// <param name="WeightBits">
/// Bits of the grid that each layer's weights sit on; null where they sit on none. Shape: [layers]. Range: [1, 8].
/// </param>
/// <param name="ActivationGrids">Tensors that the model itself rounds to a grid when it runs. Range: [0, inf).</param>
public sealed record QuantizedParts(IReadOnlyList<int?> WeightBits, int ActivationGrids)
{
    /// <summary>This in a line; null where nothing is quantized.</summary>
    public string? Description
    {
        get
        {
            string[] weights = [.. WeightBits.OfType<int>().GroupBy(bits => bits).OrderByDescending(group => group.Key)
                .Select(group => Counted(group.Count(), "weight") + Invariant($" of {group.Key} {(group.Key == 1 ? "bit" : "bits")}"))];
            string[] parts = [.. weights, .. ActivationGrids > 0 ? (string[])[Counted(ActivationGrids, "activation grid")] : []];
            return parts.Length == 0 ? null : $"already quantized: {string.Join(", ", parts)}";
        }
    }

    /// <summary>Looks at a network.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    internal static QuantizedParts Of(Graph graph, IReadOnlyList<QuantizableLayer> layers) =>
        new([.. layers.Select(layer => BitsOf(graph, layer))], graph.ActivationGrids);

    private static int? BitsOf(Graph graph, QuantizableLayer layer)
    {
        float[] weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
        return Array.TrueForAll(weights, float.IsFinite) ? WeightGrid.Find(layer, weights)?.Bits : null;
    }

    private static string Counted(int count, string what) => Invariant($"{count:N0} {what}{(count == 1 ? "" : "s")}");
}
