namespace Clado.Activations;

/// <summary>How the interval of a grid is chosen for the values seen.</summary>
public enum RangeMethod
{
    /// <summary>From the least to the largest.</summary>
    MinMax,

    /// <summary>Between the quantiles that leave one value in 100,000 outside on either side.</summary>
    Percentile,

    /// <summary>The interval of least squared rounding and clipping error.</summary>
    LeastSquares,
}
