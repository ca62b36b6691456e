using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Gradients.Rules;

/// <summary>
/// A window that goes over an image: which places of it every place of the output sees. What an operator says in several ways is said in
/// one: pads in front, and behind as many as the last place needs, or fewer than none where it leaves pixels unseen.
/// </summary>
/// <param name="Kernel">Places of the window. Shape: [axes].</param>
/// <param name="Strides">Steps of the window. Shape: [axes].</param>
/// <param name="Dilations">Steps between its places. Shape: [axes].</param>
/// <param name="Begins">Pads in front. Shape: [axes].</param>
/// <param name="Ends">Pads behind, negative where pixels are left over. Shape: [axes].</param>
/// <param name="Places">Places of the output. Shape: [axes].</param>
internal sealed record Window(long[] Kernel, long[] Strides, long[] Dilations, long[] Begins, long[] Ends, long[] Places)
{
    /// <summary>Spatial axes.</summary>
    public int Rank => Kernel.Length;

    /// <summary>Axes of images and channels, which are not the window's.</summary>
    public const int Leading = 2;

    public bool HasStride => Strides.Any(stride => stride > 1);

    /// <summary>Whether every place of the output sees the pixel at its own place.</summary>
    public bool IsPoint => !HasStride && Kernel.All(places => places == 1) && Begins.Concat(Ends).All(pad => pad == 0);

    /// <summary>Steps of one. Shape: [axes].</summary>
    public long[] SingleSteps => [.. Kernel.Select(_ => 1L)];

    /// <summary>How far the window reaches beyond its first place. Shape: [axes].</summary>
    public long[] Reach => [.. Kernel.Zip(Dilations, (places, dilation) => (places - 1) * dilation)];

    /// <summary>Reads a node's window.</summary>
    /// <param name="at">The node.</param>
    /// <param name="kernel">Places of the window. Shape: [axes].</param>
    /// <param name="image">The tensor it goes over. Shape: [images, channels, …axes].</param>
    /// <param name="places">The tensor it makes, or of a transposed convolution is made of. Shape: [images, channels, …axes].</param>
    public static Window Of(LocalGradient at, IEnumerable<long> kernel, TensorInfo image, TensorInfo places) =>
        image.Batched.Skip(Leading).Contains(true)
            ? throw at.Refused("the size of its image depends on the number of images")
            : Of(at.Node, kernel, image, places);

    /// <summary>The same of a node whose image has one size.</summary>
    public static Window Of(NodeProto node, IEnumerable<long> kernel, TensorInfo image, TensorInfo places)
    {
        long[] sizes = [.. kernel], ones = [.. sizes.Select(_ => 1L)];
        var strides = node.Integers("strides") is { Length: > 0 } given ? given : ones;
        var dilations = node.Integers("dilations") is { Length: > 0 } spread ? spread : ones;
        var (begins, ends) = (new long[sizes.Length], new long[sizes.Length]);
        for (int axis = 0; axis < sizes.Length; axis++)
        {
            long seen = ((places.Shape[Leading + axis] - 1) * strides[axis]) + ((sizes[axis] - 1) * dilations[axis]) + 1;
            long missing = seen - image.Shape[Leading + axis];
            begins[axis] = Begin(node, axis, missing);
            ends[axis] = missing - begins[axis];
        }
        return new Window(sizes, strides, dilations, begins, ends, [.. places.Shape.Skip(Leading)]);
    }

    /// <summary>Pads in front: given, or half of all, the odd one behind unless the lower end is to have it.</summary>
    private static long Begin(NodeProto node, int axis, long missing)
    {
        var automatic = node.Text("auto_pad") ?? "NOTSET";
        bool isGiven = node.Find("output_shape") is not null;
        long left = node.Integers("output_padding") is { Length: > 0 } padding && isGiven ? padding[axis] : 0;
        long total = Math.Max(0, missing + left);
        return automatic switch
        {
            "SAME_UPPER" => total / 2,
            "SAME_LOWER" => total - (total / 2),
            _ when isGiven => total - (total / 2),
            "VALID" => 0,
            _ => node.Integers("pads") is { Length: > 0 } pads ? pads[axis] : 0,
        };
    }
}
