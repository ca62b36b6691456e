using Clado.Graphs;

namespace Clado.Layers;

/// <summary>What is searched of a network: its layers, and the widths that each may get.</summary>
/// <param name="Graph">The network that is measured and quantized.</param>
/// <param name="Layers">What is searched, and what stays as it is.</param>
/// <param name="Widths">Widths of each layer, ascending. Shape: [layers][widths]. Range: [2, 8].</param>
internal sealed record SearchSpace(Graph Graph, LayerSet Layers, IReadOnlyList<IReadOnlyList<int>> Widths)
{
    /// <summary>The network as it was given: before its channels were scaled, or constants beside weights rounded.</summary>
    public Graph Float { get; init; } = Graph;

    /// <summary>Finds the layers of a network.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="bits">Widths searched where no pin says otherwise. Shape: [widths].</param>
    /// <param name="pins">Layers kept at a width or as floats, see <see cref="Pins"/>. Shape: [pins].</param>
    /// <exception cref="CladoException">A pin is none, or nothing is left to search.</exception>
    public static SearchSpace Of(Graph graph, IReadOnlyList<int> bits, IReadOnlyList<string> pins)
    {
        var (layers, widths) = Pins.Apply(LayerFinder.Find(graph), bits, pins);
        return new SearchSpace(graph, layers, widths);
    }
}
