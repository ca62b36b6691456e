using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>
/// The gradient by the weights of a depthwise convolution of images: of weight (i, j), the sum over places (v, u) of
/// x[v + i, u + j] g[v, u]. For each i, the rows that it sees are multiplied with g as matrices, which sums over v; the products that
/// belong to each j lie on a diagonal. That is more arithmetic than a product a weight, and far less to copy.
/// </summary>
internal static class DepthwiseWeight
{
    /// <summary>Writes it.</summary>
    /// <param name="window">The window, of two axes.</param>
    /// <param name="channels">Channels of x and g.</param>
    /// <param name="x">Shape: [images, channels, height, width].</param>
    /// <param name="g">Shape: [images, channels, …places].</param>
    /// <returns>Shape: [images, channels, 1, …kernel].</returns>
    public static Value Of(Window window, long channels, Value x, Value g)
    {
        long[] ends = [.. window.Ends.Select(pad => Math.Max(0, pad))];
        var padded = x.Pad([0, 0, .. window.Begins, 0, 0, .. ends]);
        long width = ((window.Places[1] - 1) * window.Strides[1]) + window.Reach[1] + 1;
        Value[] rows = [.. Enumerable.Range(0, (int)window.Kernel[0]).Select(i => Rows(window, padded, i * window.Dilations[0], width))];
        var seen = rows.Length == 1 ? rows[0] : rows[0].With("Concat", [Attribute("axis", 3)], rows.AsSpan(1));
        var products = seen.Turned(4).MatMul(g).Reshape(-1, channels * window.Kernel[0], width * window.Places[1]);
        return products.MatMul(Diagonals(window, x.Nodes, width)).Reshape(-1, channels, 1, window.Kernel[0], window.Kernel[1]);
    }

    /// <summary>The rows that one row of the window sees, as wide as all its places see together.</summary>
    private static Value Rows(Window window, Value padded, long start, long width) => padded.Slice(
        [start, 0], [start + ((window.Places[0] - 1) * window.Strides[0]) + 1, width], [2, 3], [window.Strides[0], 1]);

    /// <summary>Ones where a pixel and a place belong to a weight. Shape: [width · places, kernel].</summary>
    private static Value Diagonals(Window window, NodeWriter nodes, long width)
    {
        long places = window.Places[1], kernel = window.Kernel[1];
        var ones = new float[width * places * kernel];
        for (long place = 0; place < places; place++)
        {
            for (long j = 0; j < kernel; j++)
            {
                long pixel = (place * window.Strides[1]) + (j * window.Dilations[1]);
                ones[(((pixel * places) + place) * kernel) + j] = 1;
            }
        }
        return nodes.Singles(ones, width * places, kernel);
    }
}
