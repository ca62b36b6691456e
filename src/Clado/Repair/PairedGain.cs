namespace Clado.Repair;

/// <summary>Differences of losses on the same images.</summary>
internal static class PairedGain
{
    private const double Significance = 2;

    /// <summary>Whether the second loses less than the first, by two standard errors of the mean difference or more.</summary>
    /// <param name="before">Shape: [images].</param>
    /// <param name="after">Shape: [images].</param>
    public static bool IsSure(IReadOnlyList<double> before, IReadOnlyList<double> after)
    {
        double[] gains = [.. before.Zip(after, (b, a) => b - a)];
        double mean = gains.Average();
        double variance = gains.Sum(gain => (gain - mean) * (gain - mean)) / Math.Max(1, gains.Length - 1);
        return mean > 0 && mean >= Significance * Math.Sqrt(variance / gains.Length);
    }
}
