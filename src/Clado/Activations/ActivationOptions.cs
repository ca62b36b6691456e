using Clado.Onnx.Upgrade;

namespace Clado.Activations;

/// <summary>What becomes of activations in the written file.</summary>
public sealed record ActivationOptions
{
    /// <summary>8-bit integers, floats, or what costs little.</summary>
    public ActivationFormat Format { get; init; } = ActivationFormat.Int8;

    /// <summary>How the intervals of 8-bit grids are chosen.</summary>
    public RangeMethod Ranges { get; init; } = RangeMethod.LeastSquares;

    /// <summary>Whether activations are written as integers, all or most of them.</summary>
    internal bool AreRounded => Format != ActivationFormat.Float;

    private string Integers => Format == ActivationFormat.Auto ? "auto" : "8";

    /// <summary>What activations are written as, and for which opset where it is not the usual one, in a word.</summary>
    /// <param name="opset">Opset of the written file.</param>
    internal string NameAt(int opset) => Format switch
    {
        ActivationFormat.Float => "float",
        _ when Ranges == RangeMethod.LeastSquares => Integers,
        _ => $"{Integers}-{Ranges}".ToLowerInvariant(),
    } + (opset == OpsetUpgrade.TargetOpset ? "" : $"-opset{opset}");
}
