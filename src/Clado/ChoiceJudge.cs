using Clado.Images;

namespace Clado;

/// <summary>
/// Decides between two choices by what they lose on the images (docs/decisions/2026-11-23-operating-point.md).
/// Where rounding was not fitted to these images, all of them judge, and the lower mean wins.
/// Where it was, they flatter the layers that it fitted best, and a choice of every gain takes chance gains, and loses on other images.
/// Then a gain counts on the images held back alone, and from two standard errors on.
/// </summary>
/// <param name="isFitted">Whether candidates were rounded on the images.</param>
internal sealed class ChoiceJudge(bool isFitted)
{
    private const double Significance = 2;

    /// <summary>Whether a choice is better than another.</summary>
    /// <param name="own">Its loss increase on each image, nats. Shape: [images].</param>
    /// <param name="theirs">That of the other. Shape: [images].</param>
    /// <param name="holdsBack">Whether some images are held back from surrogates.</param>
    public bool IsBetter(IReadOnlyList<double> own, IReadOnlyList<double> theirs, bool holdsBack)
    {
        bool Counts(int image) => !isFitted || !holdsBack || ImageSet.IsHeldBack(image);
        double[] gains = [.. theirs.Zip(own, (other, loss) => other - loss).Where((_, image) => Counts(image))];
        double mean = gains.Average();
        return mean > (isFitted ? Significance * Math.Sqrt(gains.Average(g => (g - mean) * (g - mean)) / gains.Length) : 0);
    }
}
