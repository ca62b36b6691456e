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

    /// <summary>What is drawn depends on the image's name and on nothing else.</summary>
    private static Random RandomOf(ImageItem image, int draw) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(Invariant($"{draw}:{image.Name}")))));
}
