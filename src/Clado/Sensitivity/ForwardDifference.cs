using System.Numerics.Tensors;

namespace Clado.Sensitivity;

/// <summary>
/// A candidate measured forward where others are measured by gradients: the true shift of the outputs takes the place of the linear one.
/// </summary>
internal static class ForwardDifference
{
    /// <summary>Values an image: a product with every direction, and the loss increase.</summary>
    /// <param name="directions">Number of directions.</param>
    public static int ValueCount(int directions) => directions + 1;

    /// <summary>Runs a candidate.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="row">The candidate. Range: [0, candidates).</param>
    /// <returns>Shape: [images · (directions + 1)].</returns>
    public static float[] Measure(BatchMeasurement batch, int row)
    {
        var shift = batch.Shift(row);
        var increases = batch.Increases(shift);
        int images = batch.ImageCount, outputs = shift.Length / images;
        return
        [
            .. Enumerable.Range(0, images).SelectMany(image =>
            {
                int from = image * outputs;
                return batch.Directions
                    .Select(own => TensorPrimitives.Dot<float>(shift.AsSpan(from, outputs), own.AsSpan(from, outputs)))
                    .Append((float)increases[image]);
            }),
        ];
    }
}
