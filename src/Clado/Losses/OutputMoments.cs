namespace Clado.Losses;

/// <summary>Mean and variance over the images of every element of a network's outputs, images added one by one (Welford 1962).</summary>
/// <param name="elements">Elements an image.</param>
internal sealed class OutputMoments(int elements)
{
    private readonly double[] deviations = new double[elements];

    /// <summary>Images added.</summary>
    public int ImageCount { get; private set; }

    /// <summary>Mean of each element. Shape: [elements].</summary>
    public double[] Means { get; } = new double[elements];

    /// <summary>Variance of each element, with images − 1 in the denominator; 0 of one image. Shape: [elements].</summary>
    public double[] Variances() => Array.ConvertAll(deviations, d => d / Math.Max(1, ImageCount - 1));

    /// <summary>Adds images in their order.</summary>
    /// <param name="outputs">Shape: [images · elements].</param>
    public void Add(float[] outputs)
    {
        for (int start = 0; start < outputs.Length; start += Means.Length)
        {
            double share = 1.0 / ++ImageCount;
            for (int k = 0; k < Means.Length; k++)
            {
                double value = outputs[start + k], before = value - Means[k];
                Means[k] += before * share;
                deviations[k] += before * (value - Means[k]);
            }
        }
    }
}
