using Clado.Onnx.Upgrade;

namespace Clado.Activations;

/// <summary>What becomes of activations in the written file.</summary>
public sealed record ActivationOptions
{
    /// <summary>8-bit integers or floats.</summary>
    public ActivationFormat Format { get; init; } = ActivationFormat.Int8;

    /// <summary>How the intervals of 8-bit grids are chosen.</summary>
    public RangeMethod Ranges { get; init; } = RangeMethod.LeastSquares;

    /// <summary>What activations are written as, and for which opset where it is not the usual one, in a word.</summary>
    /// <param name="opset">Opset of the written file.</param>
    internal string NameAt(int opset) => Format switch
    {
        ActivationFormat.Float => "float",
        _ when Ranges == RangeMethod.LeastSquares => "8",
        _ => $"8-{Ranges}".ToLowerInvariant(),
    } + (opset == OpsetUpgrade.TargetOpset ? "" : $"-opset{opset}");
}
