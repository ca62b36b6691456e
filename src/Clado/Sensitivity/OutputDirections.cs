using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Clado.Images;
using Clado.Losses;
using static System.FormattableString;

namespace Clado.Sensitivity;

/// <summary>
/// The vectors along which an image's outputs are differentiated (docs/method.md, "Fisher"). Of few outputs they are a basis; of one
/// distribution over classes, the directions of largest curvature. Else they are drawn. Where the loss has a slope, it is the first, unless
/// the outputs are few.
/// </summary>
/// <param name="task">What is measured.</param>
internal sealed class OutputDirections(MeasurementTask task)
{
    /// <summary>Directions of largest curvature of a distribution.</summary>
    public const int Leading = 2;

    // Vectors drawn where the curvature is not that of one distribution.
    private const int Draws = 3;

    private readonly int size = task.Cuts.Readout.ElementCount;

    /// <summary>Whether all outputs are differentiated: shifts are known.</summary>
    public bool IsWhole => size <= Slopes + Leading;

    /// <summary>Whether the directions are those of largest curvature of one distribution.</summary>
    public bool IsLeading => !IsWhole && task.Losses.IsOfOneDistribution;

    /// <summary>Vectors an image.</summary>
    public int Count => IsWhole ? size : Slopes + (IsLeading ? Leading : Draws);

    /// <summary>How many of them are the loss's slope.</summary>
    public int Slopes => task.HasSlope ? 1 : 0;

    /// <summary>The vectors of some images.</summary>
    /// <param name="loss">The loss of their batch.</param>
    /// <param name="items">The images of the batch. Shape: [images].</param>
    /// <returns>Shape: [directions][images · outputs].</returns>
    public float[][] Of(OutputLoss loss, IReadOnlyList<ImageItem> items)
    {
        float[][] directions = [.. Enumerable.Range(0, Count).Select(_ => new float[items.Count * size])];
        for (int image = 0; image < items.Count; image++)
        {
            double[][] leading = IsLeading ? loss.Curvature(image)!.Leading(Leading) : [];
            for (int i = 0; i < Count; i++)
            {
                var own = directions[i].AsSpan(image * size, size);
                if (IsWhole)
                {
                    own[i] = 1;
                }
                else if (i < Slopes)
                {
                    loss.Slope(image, own);
                }
                else if (IsLeading)
                {
                    Array.ConvertAll(leading[i - Slopes], value => (float)value).CopyTo(own);
                }
                else
                {
                    loss.Draw(image, RandomOf(items[image], i - Slopes), own);
                }
            }
        }
        return directions;
    }

    /// <summary>The loss to second order, by derivatives along the vectors.</summary>
    /// <param name="loss">The loss of the batch.</param>
    /// <param name="items">The images of the batch. Shape: [images].</param>
    /// <returns>Shape: [images].</returns>
    public QuadraticForm[] Forms(OutputLoss loss, IReadOnlyList<ImageItem> items) =>
        [.. items.Select((item, image) => new QuadraticForm(Slope(loss, image), Roots(loss, item, image)))];

    private double[] Slope(OutputLoss loss, int image)
    {
        var slope = new float[Count];
        if (Slopes > 0 && IsWhole)
        {
            loss.Slope(image, slope);
        }
        else if (Slopes > 0)
        {
            slope[0] = 1;
        }
        return Array.ConvertAll(slope, value => (double)value);
    }

    /// <summary>Of few outputs vectors are drawn; the others' are the directions, and what these leave out lies along them.</summary>
    private double[][] Roots(OutputLoss loss, ImageItem item, int image)
    {
        if (IsLeading)
        {
            var curvature = loss.Curvature(image)!;
            double[] along = Array.ConvertAll(curvature.Leading(Leading), curvature.Along);
            double sum = along.Sum(), factor = sum > 0 ? Math.Max(1, curvature.Trace / sum) : 1;
            return [.. along.Select((value, i) => Single(Slopes + i, Math.Sqrt(Math.Max(0, value) * factor)))];
        }
        double share = 1 / Math.Sqrt(Draws);
        return [.. Enumerable.Range(0, Draws).Select(i =>
        {
            if (!IsWhole)
            {
                return Single(Slopes + i, share);
            }
            var drawn = new float[size];
            loss.Draw(image, RandomOf(item, i), drawn);
            return Array.ConvertAll(drawn, value => value * share);
        })];
    }

    private double[] Single(int direction, double value)
    {
        var vector = new double[Count];
        vector[direction] = value;
        return vector;
    }

    /// <summary>What is drawn depends on the image's name and on nothing else.</summary>
    private static Random RandomOf(ImageItem image, int draw) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(Invariant($"{draw}:{image.Name}")))));
}
