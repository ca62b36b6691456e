using System.Runtime.Intrinsics;
using Clado.Gradients.Rules;

namespace Clado.Sensitivity;

/// <summary>
/// The gradient by the weights of a convolution of images, between a channel that it sees and one that it makes: of weight (i, j), the sum
/// over places (v, u) of x[v s + i, u s + j] g[v, u], s being the step. The channel of x is parted by the step, and all is laid out in rows
/// of one length, so that each weight's sum is one scalar product of what lies in a row.
/// </summary>
internal sealed class PlaneGradient
{
    // Elements of a row that stay in the fastest cache while every weight goes over them.
    private const int BlockLength = 2048;

    private readonly Window window;
    private readonly int height, width, rows, columns, length, partLength;
    private readonly int[] offsets;

    /// <summary>Plans for a convolution.</summary>
    /// <param name="window">Its window, of two axes.</param>
    /// <param name="height">Height of its image.</param>
    /// <param name="width">Width of its image.</param>
    public PlaneGradient(Window window, int height, int width)
    {
        (this.window, this.height, this.width) = (window, height, width);
        // What its places see of every part.
        rows = (int)(window.Places[0] + (window.Reach[0] / window.Strides[0]));
        columns = (int)(window.Places[1] + (window.Reach[1] / window.Strides[1]));
        int lanes = Vector512<float>.Count;
        length = ((int)window.Places[0] * columns + lanes - 1) / lanes * lanes;
        partLength = ((rows + 1) * columns) + lanes;
        offsets = [.. Enumerable.Range(0, (int)window.Kernel[0]).SelectMany(i =>
            Enumerable.Range(0, (int)window.Kernel[1]).Select(j => Offset(i * window.Dilations[0], j * window.Dilations[1])))];
    }

    /// <summary>Elements of a channel of the image.</summary>
    public int ImageSize => height * width;

    /// <summary>Places of a channel of the output.</summary>
    public int Places => (int)(window.Places[0] * window.Places[1]);

    /// <summary>Weights of a channel.</summary>
    public int Weights => offsets.Length;

    /// <summary>Elements that <see cref="LayImage"/> writes.</summary>
    public int ImageLength => (int)(window.Strides[0] * window.Strides[1]) * partLength;

    /// <summary>Elements that <see cref="LayGradient"/> writes.</summary>
    public int GradientLength => length;

    /// <summary>Lays a channel of the image out.</summary>
    /// <param name="x">The channel. Shape: [height · width].</param>
    /// <param name="laid">Zeros, or another channel, before.</param>
    public void LayImage(ReadOnlySpan<float> x, Span<float> laid)
    {
        var (stepDown, stepRight) = ((int)window.Strides[0], (int)window.Strides[1]);
        for (int part = 0; part < stepDown * stepRight; part++)
        {
            int down = (part / stepRight) - (int)window.Begins[0], right = (part % stepRight) - (int)window.Begins[1];
            int from = Math.Max(0, (-right + stepRight - 1) / stepRight);
            int to = Math.Min(columns, (width - right + stepRight - 1) / stepRight);
            for (int row = 0; row < rows; row++)
            {
                int y = (row * stepDown) + down;
                if (y >= 0 && y < height && from < to)
                {
                    var own = laid.Slice((part * partLength) + (row * columns) + from, to - from);
                    var seen = x[((y * width) + (from * stepRight) + right)..];
                    if (stepRight == 1)
                    {
                        seen[..own.Length].CopyTo(own);
                        continue;
                    }
                    for (int i = 0; i < own.Length; i++)
                    {
                        own[i] = seen[i * stepRight];
                    }
                }
            }
        }
    }

    /// <summary>Lays the gradient by a channel of the output out.</summary>
    /// <param name="g">The gradient. Shape: [places].</param>
    /// <param name="laid">Zeros, or another channel's, before.</param>
    public void LayGradient(ReadOnlySpan<float> g, Span<float> laid)
    {
        int places = (int)window.Places[1];
        for (int row = 0; row < window.Places[0]; row++)
        {
            g.Slice(row * places, places).CopyTo(laid[(row * columns)..]);
        }
    }

    /// <summary>Adds the gradients by the weights between a channel that is seen and others that are made.</summary>
    /// <param name="image">The channel of the image, laid out.</param>
    /// <param name="gradients">Gradients by channels of the output, laid out. Shape: [gradients · <see cref="GradientLength"/>].</param>
    /// <param name="sums">What is added to. Shape: [gradients · weights].</param>
    public void Add(ReadOnlySpan<float> image, ReadOnlySpan<float> gradients, Span<float> sums)
    {
        Span<float> tile = stackalloc float[PlaneKernel.Offsets * PlaneKernel.Gradients];
        int count = gradients.Length / length;
        for (int start = 0; start < length; start += BlockLength)
        {
            int block = Math.Min(BlockLength, length - start);
            for (int first = 0; first < count; first += PlaneKernel.Gradients)
            {
                for (int weight = 0; weight < offsets.Length; weight += PlaneKernel.Offsets)
                {
                    // At the ends a tile has fewer of its own: the last is there several times, and is added once.
                    int Offset(int i) => offsets[Math.Min(weight + i, offsets.Length - 1)];
                    int Gradient(int i) => (Math.Min(first + i, count - 1) * length) + start;
                    PlaneKernel.Multiply(
                        image[start..], (Offset(0), Offset(1), Offset(2)), gradients,
                        (Gradient(0), Gradient(1), Gradient(2), Gradient(3)), block, tile);
                    for (int i = 0; i < Math.Min(PlaneKernel.Gradients, count - first); i++)
                    {
                        for (int j = 0; j < Math.Min(PlaneKernel.Offsets, offsets.Length - weight); j++)
                        {
                            sums[((first + i) * offsets.Length) + weight + j] += tile[(i * PlaneKernel.Offsets) + j];
                        }
                    }
                }
            }
        }
    }

    private int Offset(long down, long right)
    {
        var (stepDown, stepRight) = (window.Strides[0], window.Strides[1]);
        long part = (down % stepDown * stepRight) + (right % stepRight);
        return (int)((part * partLength) + (down / stepDown * columns) + (right / stepRight));
    }
}
