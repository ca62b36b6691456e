using Clado.Graphs;
using Clado.Onnx.Upgrade;
using static System.FormattableString;

namespace Clado.Activations;

/// <summary>What becomes of activations in the written file.</summary>
public sealed record ActivationOptions
{
    /// <summary>8-bit integers, floats, or what costs little. Where the model has grids of its own, 8-bit integers are those.</summary>
    public ActivationFormat Format { get; init; } = ActivationFormat.Int8;

    /// <summary>How the intervals of 8-bit grids are chosen.</summary>
    public RangeMethod Ranges { get; init; } = RangeMethod.LeastSquares;

    private string Integers => Format == ActivationFormat.Auto ? "auto" : "8";

    /// <summary>What becomes of the activations of a network, which may have grids of its own.</summary>
    /// <param name="graph">The network.</param>
    /// <exception cref="CladoException">Its grids are to be kept and there are none, or floats are wanted in their place.</exception>
    internal ActivationOptions On(Graph graph)
    {
        var name = Path.GetFileName(graph.File);
        return (Format, graph.ActivationGrids) switch
        {
            (ActivationFormat.Keep, 0) => throw new CladoException(
                $"{name}: {Settings.Activations} keep: the model has no activation grids of its own; 8 or float are wanted"),
            (_, 0) => this,
            (ActivationFormat.Float, var count) => throw new CladoException(
                Invariant($"{name}: {Settings.Activations} float: the model has {count} activation grids of its own; ")
                + $"remove them with {Settings.Requantize}, or keep them ({Settings.Activations} keep)"),
            _ => new() { Format = ActivationFormat.Keep },
        };
    }

    /// <summary>What activations are written as, and for which opset where it is not the usual one, in a word.</summary>
    /// <param name="opset">Opset of the written file.</param>
    internal string NameAt(int opset) => Format switch
    {
        ActivationFormat.Float => "float",
        ActivationFormat.Keep => "keep",
        _ when Ranges == RangeMethod.LeastSquares => Integers,
        _ => $"{Integers}-{Ranges}".ToLowerInvariant(),
    } + (opset == OpsetUpgrade.TargetOpset ? "" : $"-opset{opset}");
}
