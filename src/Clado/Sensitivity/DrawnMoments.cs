using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// The matrix from derivatives along drawn vectors: an image's entry is the mean over its draws of g_a g_b, those of one layer among them,
/// so that the matrix is semidefinite; on the diagonal the slope is added, twice.
/// </summary>
internal static class DrawnMoments
{
    /// <summary>Forms the sums.</summary>
    /// <param name="derivatives">
    /// Of every candidate and image, along the slope first where there is one. Shape: [candidates][images · directions].
    /// </param>
    /// <param name="images">Images.</param>
    /// <param name="hasSlope">Whether the first direction is the loss's slope.</param>
    public static MatrixMoments Of(float[][] derivatives, int images, bool hasSlope)
    {
        var moments = new MatrixMoments(derivatives.Length);
        int directions = derivatives[0].Length / images, skipped = hasSlope ? 1 : 0;
        for (int a = 0; a < derivatives.Length; a++)
        {
            for (int b = a; b < derivatives.Length; b++)
            {
                moments[a, b] = Moments.Of(Enumerable.Range(0, images).Select(image =>
                {
                    double sum = 0;
                    for (int i = (image * directions) + skipped; i < (image + 1) * directions; i++)
                    {
                        sum += (double)derivatives[a][i] * derivatives[b][i];
                    }
                    double mean = sum / (directions - skipped);
                    return a == b && hasSlope ? mean + (2.0 * derivatives[a][image * directions]) : mean;
                }));
            }
        }
        return moments;
    }
}
