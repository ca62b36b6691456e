namespace Clado.Curves;

/// <summary>How the bits of a point of a curve were chosen. Its name in JSON and CSV begins with a small letter.</summary>
public enum CurveMethod
{
    /// <summary>By <see cref="MeasuredRun.Allocate"/> with the run's estimator.</summary>
    Clado,

    /// <summary>By the sum of the losses of single layers: the choice of tools that measure one layer at a time.</summary>
    Diagonal,

    /// <summary>All layers have the same width.</summary>
    Uniform,
}
