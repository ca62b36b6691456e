namespace Clado.Losses;

/// <summary>Sums over images of a quantity and of its square: mean and standard error come of them.</summary>
/// <param name="Sum">Σ v.</param>
/// <param name="Squares">Σ v².</param>
internal readonly record struct Moments(double Sum, double Squares)
{
    /// <summary>Adds one image.</summary>
    public Moments Plus(double value) => new(Sum + value, Squares + (value * value));

    /// <summary>The moments of values, in their order.</summary>
    public static Moments Of(IEnumerable<double> values) => values.Aggregate(default(Moments), (moments, value) => moments.Plus(value));
}
