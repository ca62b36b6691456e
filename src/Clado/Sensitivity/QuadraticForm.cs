namespace Clado.Sensitivity;

/// <summary>
/// Twice an image's loss increase to second order, by the derivatives of its outputs along the directions: squares of some of their sums,
/// and twice the slope.
/// </summary>
/// <param name="Slope">What the slope is of them. Shape: [directions].</param>
/// <param name="Roots">The sums whose squares add up to the curvature. Shape: [sums][directions].</param>
internal sealed record QuadraticForm(double[] Slope, double[][] Roots)
{
    /// <summary>Derivatives that it takes.</summary>
    public int Directions => Slope.Length;

    /// <summary>What a part of a change comes to.</summary>
    /// <param name="own">Derivatives of the part. Shape: [directions].</param>
    /// <param name="whole">Those of the change. Shape: [directions].</param>
    /// <returns>
    /// The part alone, and its share of the whole: with half of each term between it and others. Shares add up to the whole.
    /// </returns>
    public (double Alone, double Share) Of(ReadOnlySpan<float> own, ReadOnlySpan<double> whole)
    {
        double slope = 0, alone = 0, share = 0;
        for (int i = 0; i < own.Length; i++)
        {
            slope += Slope[i] * own[i];
        }
        foreach (double[] root in Roots)
        {
            double mine = 0, all = 0;
            for (int i = 0; i < own.Length; i++)
            {
                mine += root[i] * own[i];
                all += root[i] * whole[i];
            }
            alone += mine * mine;
            share += mine * all;
        }
        return (alone + (2 * slope), share + (2 * slope));
    }
}
