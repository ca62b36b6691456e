namespace Clado.Activations;

/// <summary>What becomes of activations in the written file.</summary>
public sealed record ActivationOptions
{
    /// <summary>8-bit integers or floats.</summary>
    public ActivationFormat Format { get; init; } = ActivationFormat.Int8;

    /// <summary>How the intervals of 8-bit grids are chosen.</summary>
    public RangeMethod Ranges { get; init; } = RangeMethod.LeastSquares;
}
