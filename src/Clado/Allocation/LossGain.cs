namespace Clado.Allocation;

/// <summary>What one choice loses less than another, image by image.</summary>
/// <param name="Mean">Mean over the images, in the unit of the loss: nats for kl and ce.</param>
/// <param name="StandardError">Its standard error. Range: [0, inf).</param>
/// <param name="Images">Images that both were run on. Range: [1, inf).</param>
public sealed record LossGain(double Mean, double StandardError, int Images)
{
    /// <summary>Whether it is larger than chance often makes one: two standard errors.</summary>
    internal bool IsSignificant => Mean > 2 * StandardError;

    /// <summary>Compares two choices.</summary>
    /// <param name="own">What the choice loses. Shape: [images].</param>
    /// <param name="theirs">What the other loses. Shape: [images].</param>
    internal static LossGain Of(IReadOnlyList<double> own, IReadOnlyList<double> theirs)
    {
        double[] gains = [.. theirs.Zip(own, (other, loss) => other - loss)];
        double mean = gains.Average();
        return new LossGain(mean, Math.Sqrt(gains.Average(g => (g - mean) * (g - mean)) / gains.Length), gains.Length);
    }
}
