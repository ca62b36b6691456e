namespace Clado.Losses;

/// <summary>Sums over images of a quantity and of its square: mean and standard error come of them.</summary>
/// <param name="Sum">Σ v.</param>
/// <param name="Squares">Σ v².</param>
internal readonly record struct Moments(double Sum, double Squares)
{
    /// <summary>Adds one image.</summary>
    public Moments Plus(double value) => new(Sum + value, Squares + (value * value));

    /// <summary>Standard error of the mean; 0 where there is one image.</summary>
    /// <param name="images">How many images. Range: [1, inf).</param>
    public double StandardError(int images)
    {
        double mean = Sum / images, variance = (Squares / images) - (mean * mean);
        return images < 2 ? 0 : Math.Sqrt(Math.Max(0, variance) / (images - 1));
    }

    /// <summary>The moments of values, in their order.</summary>
    public static Moments Of(IEnumerable<double> values) => values.Aggregate(default(Moments), (moments, value) => moments.Plus(value));
}
