using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// What the rows (output channels) of every candidate cost, as twice the loss increase like the diagonal of a
/// <see cref="SensitivityMatrix"/>, to second order (docs/method.md, "Rows").
/// </summary>
/// <param name="Layout">Where those of a candidate lie.</param>
/// <param name="Alone">Each row rounded alone. Shape: [channels].</param>
/// <param name="AloneErrors">Standard errors of these over the images. Shape: [channels].</param>
/// <param name="Shares">
/// Of every row rounded with all others of its layer: its part, so that parts add up to the candidate's whole. Shape: [channels].
/// </param>
/// <param name="ShareErrors">Standard errors of these over the images. Shape: [channels].</param>
internal sealed record ChannelSensitivities(
    ChannelOffsets Layout, double[] Alone, double[] AloneErrors, double[] Shares, double[] ShareErrors)
{
    /// <summary>Images measured. Range: [1, inf).</summary>
    public required int ImageCount { get; init; }

    /// <summary>Takes sums over images.</summary>
    /// <param name="layout">Where channels lie.</param>
    /// <param name="sums">See <see cref="ChannelMoments.Values"/>.</param>
    /// <param name="images">How many images. Range: [1, inf).</param>
    public static ChannelSensitivities Of(ChannelOffsets layout, double[] sums, int images)
    {
        double[][] parts = [.. sums.Chunk(Math.Max(1, layout.Count))];
        double[] Mean(int kind) => layout.Count == 0 ? [] : [.. parts[kind].Select(sum => sum / images)];
        double[] Error(int kind) => layout.Count == 0 ? []
            : [.. parts[kind].Zip(parts[kind + 1], (sum, squares) => new Moments(sum, squares).StandardError(images))];
        return new ChannelSensitivities(layout, Mean(0), Error(0), Mean(2), Error(2)) { ImageCount = images };
    }
}
