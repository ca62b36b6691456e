using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>
/// A window's products with an image, y = x ⋆ w: both of its gradients. Convolutions are one, transposed convolutions the adjoint of one,
/// and means over windows one with equal weights.
/// </summary>
/// <param name="Window">The window.</param>
/// <param name="Groups">Groups of channels.</param>
/// <param name="Inputs">Channels of x.</param>
/// <param name="Outputs">Channels of y.</param>
internal sealed record Correlation(Window Window, long Groups, long Inputs, long Outputs)
{
    private bool IsDepthwise => Groups > 1 && Groups == Inputs && Groups == Outputs;

    private long[] Spatial => [.. Enumerable.Range(Window.Leading, Window.Rank).Select(axis => (long)axis)];

    /// <summary>y = x ⋆ w.</summary>
    public Value Forward(Value x, Value w) =>
        x.With("Conv", Attributes(Window.Strides, Window.Begins, [.. Window.Ends.Select(AtLeastZero)]), w);

    /// <summary>
    /// The gradient by x. A window that takes every step goes back as one that is flipped, whose kernels are ONNX Runtime's fast ones
    /// (its weights are laid out once, when they are constants). So does one of longer steps, over a gradient that is spread, where there
    /// is one channel to sum over; else it goes back as a transposed convolution.
    /// </summary>
    /// <param name="g">The gradient by y. Shape: [images, outputs, …places].</param>
    /// <param name="w">Shape: [outputs, inputs / groups, …kernel].</param>
    public Value ByInput(Value g, Value w)
    {
        long[] reach = Window.Reach, single = Window.SingleSteps;
        long[] begins = [.. reach.Zip(Window.Begins, (far, pad) => far - pad)];
        // Behind the last place that is spread lie as many zeros as a step has places to go.
        long[] ends = [.. reach.Select((far, axis) => far - Window.Ends[axis] + 1 - Window.Strides[axis])];
        if ((!Window.HasStride || IsDepthwise) && begins.Concat(ends).All(pad => pad >= 0))
        {
            return Spread(g).With("Conv", Attributes(single, begins, ends), Flipped(w));
        }
        var leftOver = Attribute("output_padding", [.. Window.Ends.Select(pad => AtLeastZero(-pad))]);
        var attributes = Attributes(Window.Strides, Window.Begins, [.. Window.Ends.Select(AtLeastZero)]);
        return g.With("ConvTranspose", attributes.Append(leftOver), w);
    }

    /// <summary>The gradient by w, one an image: the places that a weight saw, times what came of them.</summary>
    /// <param name="x">Shape: [images, inputs, …].</param>
    /// <param name="g">The gradient by y. Shape: [images, outputs, …places].</param>
    /// <returns>Shape: [images, outputs, inputs / groups, …kernel].</returns>
    public Value ByWeight(Value x, Value g)
    {
        if (IsDepthwise)
        {
            return Window.Rank == 2 ? DepthwiseWeight.Of(Window, Outputs, x, g) : ByDepthwiseWeight(x, g);
        }
        long count = Product(Window.Places), own = Inputs / Groups;
        Value[] columns = [.. Seen(x).Select(part => part.Reshape(-1, Inputs, 1, count))];
        var matrix = Joined(columns, 2).Reshape(-1, Groups, own * Product(Window.Kernel), count);
        var product = g.Reshape(-1, Groups, Outputs / Groups, count).MatMul(matrix.Turned(4));
        return product.Reshape([-1, Outputs, own, .. Window.Kernel]);
    }

    private Value ByDepthwiseWeight(Value x, Value g)
    {
        Value[] sums = [.. Seen(x).Select(part => (part * g).SumAway(Spatial).Unsqueeze(-1))];
        return Joined(sums, 2).Reshape([-1, Outputs, 1, .. Window.Kernel]);
    }

    /// <summary>The pixels that each place of the window sees. Shape: [kernel][images, inputs, …places].</summary>
    private IEnumerable<Value> Seen(Value x)
    {
        if (Window.IsPoint)
        {
            return [x];
        }
        long[] zeros = [0, 0];
        var padded = x.Pad([.. zeros, .. Window.Begins, .. zeros, .. Window.Ends.Select(AtLeastZero)]);
        return PlacesOf(Window.Kernel).Select(place =>
        {
            long[] starts = [.. place.Zip(Window.Dilations, (position, dilation) => position * dilation)];
            long[] ends = [.. starts.Select((start, axis) => start + ((Window.Places[axis] - 1) * Window.Strides[axis]) + 1)];
            return padded.Slice(starts, ends, Spatial, Window.Strides);
        });
    }

    /// <summary>All positions of a window, row-major.</summary>
    private static IEnumerable<long[]> PlacesOf(long[] sizes) => sizes.Aggregate(
        (IEnumerable<long[]>)[[]],
        (places, size) => places.SelectMany(place => Enumerable.Range(0, (int)size).Select(position => (long[])[.. place, position])));

    private static Value Joined(Value[] parts, long axis) =>
        parts.Length == 1 ? parts[0] : parts[0].With("Concat", [Attribute("axis", axis)], parts.AsSpan(1));

    /// <summary>Zeros between the places of a window of longer steps: they become single ones.</summary>
    private Value Spread(Value g)
    {
        if (!Window.HasStride)
        {
            return g;
        }
        long[] sizes = [.. Window.Places.Zip(Window.Strides, (count, stride) => count * stride)];
        float[] first = [.. PlacesOf(sizes).Select(place => place.Zip(Window.Strides).All(axis => axis.First % axis.Second == 0) ? 1f : 0)];
        float[] scales = [1, 1, .. Window.Strides];
        var repeated = g.Nodes.Add(
            "Resize", [g.Name, "", g.Nodes.Singles(scales, scales.Length).Name], Attribute("mode", "nearest"),
            Attribute("coordinate_transformation_mode", "asymmetric"), Attribute("nearest_mode", "floor"));
        return repeated * g.Nodes.Singles(first, [1, 1, .. sizes]);
    }

    /// <summary>Weights with inputs and outputs exchanged within their groups, and the window turned around.</summary>
    private Value Flipped(Value w)
    {
        long[] kernel = Window.Kernel;
        var turned = w;
        if (!IsDepthwise)
        {
            long inputs = Inputs / Groups, outputs = Outputs / Groups;
            long[] order = [.. Enumerable.Range(3, Window.Rank).Select(axis => (long)axis)];
            turned = Groups == 1
                ? w.Transpose([1, 0, .. order.Select(axis => axis - 1)])
                : w.Reshape([Groups, outputs, inputs, .. kernel]).Transpose([0, 2, 1, .. order]).Reshape([Inputs, outputs, .. kernel]);
        }
        long[] axes = [.. Spatial.Where(axis => kernel[axis - Window.Leading] > 1)];
        long[] back = [.. axes.Select(_ => -1L)], beyond = [.. axes.Select(_ => long.MinValue)];
        return axes.Length == 0 ? turned : turned.Slice(back, beyond, axes, back);
    }

    private IEnumerable<AttributeProto> Attributes(long[] strides, long[] begins, long[] ends) =>
    [
        Attribute("strides", strides), Attribute("dilations", Window.Dilations), Attribute("pads", [.. begins, .. ends]),
        Attribute("group", Groups), Attribute("kernel_shape", Window.Kernel),
    ];

    private static long Product(IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);

    private static long AtLeastZero(long pad) => Math.Max(0, pad);
}
