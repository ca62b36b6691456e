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

    /// <summary>y = x ⋆ w.</summary>
    public Value Forward(Value x, Value w) =>
        x.With("Conv", [.. Attributes(Window.Strides, Window.Begins, [.. Window.Ends.Select(AtLeastZero)])], w);

    /// <summary>
    /// The gradient by x. A window that takes every step goes back as one that is flipped, whose kernels are ONNX Runtime's fast ones
    /// (its weights are laid out once, when they are constants); with longer steps, as a transposed convolution.
    /// </summary>
    /// <param name="g">The gradient by y. Shape: [images, outputs, …places].</param>
    /// <param name="w">Shape: [outputs, inputs / groups, …kernel].</param>
    public Value ByInput(Value g, Value w)
    {
        long[] reach = Window.Reach;
        bool isWithin = Window.Begins.Zip(reach).All(axis => axis.First <= axis.Second)
            && Window.Ends.Zip(reach).All(axis => axis.First <= axis.Second);
        if (!Window.HasStride && isWithin)
        {
            long[] begins = [.. reach.Zip(Window.Begins, (far, pad) => far - pad)];
            long[] ends = [.. reach.Zip(Window.Ends, (far, pad) => far - pad)];
            return g.With("Conv", [.. Attributes(Window.Strides, begins, ends)], Flipped(w));
        }
        var leftOver = Attribute("output_padding", [.. Window.Ends.Select(pad => Math.Max(0, -pad))]);
        return g.With("ConvTranspose", [.. Attributes(Window.Strides, Window.Begins, [.. Window.Ends.Select(AtLeastZero)]), leftOver], w);
    }

    /// <summary>The gradient by w, one an image: the places that a weight saw, times what came of them.</summary>
    /// <param name="x">Shape: [images, inputs, …].</param>
    /// <param name="g">The gradient by y. Shape: [images, outputs, …places].</param>
    /// <param name="places">Sizes of y. Shape: [axes].</param>
    /// <returns>Shape: [images, outputs, inputs / groups, …kernel].</returns>
    public Value ByWeight(Value x, Value g, IReadOnlyList<long> places)
    {
        long count = places.Aggregate(1L, (product, size) => product * size), kernel = Window.Kernel.Aggregate(1L, (a, b) => a * b);
        long[] spatial = [.. Enumerable.Range(Window.Leading, Window.Rank).Select(axis => (long)axis)];
        Value[] seen = [.. Seen(x, places)];
        if (IsDepthwise)
        {
            Value[] sums = [.. seen.Select(part => (part * g).SumAway(spatial).Unsqueeze(-1))];
            return Joined(sums, 2).Reshape([-1, Outputs, 1, .. Window.Kernel]);
        }
        long own = Inputs / Groups;
        Value[] columns = [.. seen.Select(part => part.Reshape(-1, Inputs, 1, count))];
        var matrix = Joined(columns, 2).Reshape(-1, Groups, own * kernel, count);
        var product = g.Reshape(-1, Groups, Outputs / Groups, count).MatMul(matrix.Turned(4));
        return product.Reshape([-1, Outputs, own, .. Window.Kernel]);
    }

    /// <summary>The pixels that each place of the window sees. Shape: [kernel][images, inputs, …places].</summary>
    private IEnumerable<Value> Seen(Value x, IReadOnlyList<long> places)
    {
        long[] zeros = [0, 0], axes = [.. Enumerable.Range(Window.Leading, Window.Rank).Select(axis => (long)axis)];
        if (Window.IsPoint)
        {
            return [x];
        }
        var padded = x.Pad([.. zeros, .. Window.Begins, .. zeros, .. Window.Ends.Select(AtLeastZero)]);
        return Places(Window.Kernel).Select(place =>
        {
            long[] starts = [.. place.Zip(Window.Dilations, (position, dilation) => position * dilation)];
            long[] ends = [.. starts.Select((start, axis) => start + ((places[axis] - 1) * Window.Strides[axis]) + 1)];
            return padded.Slice(starts, ends, axes, Window.Strides);
        });
    }

    /// <summary>All positions of a window, row-major.</summary>
    private static IEnumerable<long[]> Places(long[] sizes) => sizes.Aggregate(
        (IEnumerable<long[]>)[[]],
        (places, size) => places.SelectMany(place => Enumerable.Range(0, (int)size).Select(position => (long[])[.. place, position])));

    private static Value Joined(Value[] parts, long axis) =>
        parts.Length == 1 ? parts[0] : parts[0].With("Concat", [Attribute("axis", axis)], parts.AsSpan(1));

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
        long[] axes = [.. Enumerable.Range(0, Window.Rank).Where(axis => kernel[axis] > 1).Select(axis => (long)axis + Window.Leading)];
        long[] back = [.. axes.Select(_ => -1L)], beyond = [.. axes.Select(_ => long.MinValue)];
        return axes.Length == 0 ? turned : turned.Slice(back, beyond, axes, back);
    }

    private IEnumerable<AttributeProto> Attributes(long[] strides, long[] begins, long[] ends) =>
    [
        Attribute("strides", strides), Attribute("dilations", Window.Dilations), Attribute("pads", [.. begins, .. ends]),
        Attribute("group", Groups), Attribute("kernel_shape", Window.Kernel),
    ];

    private static long AtLeastZero(long pad) => Math.Max(0, pad);
}
