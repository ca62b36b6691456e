using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Gradients;

/// <summary>
/// Gradients by constants that are kept apart, image by image: an image's own is a sum over the rows that it has in a node's batch.
/// </summary>
internal static class PerImageGradient
{
    /// <summary>Sums the entries of a batch over those of each image.</summary>
    /// <param name="at">The node.</param>
    /// <param name="slot">The constant.</param>
    /// <param name="gradient">Shape: [batch, …constant].</param>
    /// <param name="batch">Entries of one image.</param>
    /// <returns>Shape: [images, …constant].</returns>
    public static Value Fold(LocalGradient at, int slot, Value gradient, long batch) =>
        batch == 1 ? gradient : gradient.Reshape([-1, batch, .. at.Shape(slot).Shape]).SumAway(1);

    /// <summary>The same of a constant that was broadcast.</summary>
    /// <param name="at">The node.</param>
    /// <param name="slot">The constant.</param>
    /// <param name="gradient">Of the shape <paramref name="from"/>, whose first axis is that of the images.</param>
    /// <param name="from">What it was broadcast to.</param>
    public static Value Reduce(LocalGradient at, int slot, Value gradient, TensorInfo from)
    {
        var to = at.Shape(slot);
        Check(at, slot, from);
        if (to.Shape.Count == from.Shape.Count && to.Shape[0] != 1)
        {
            throw at.Context.Error(at.Node, "a constant of every image of its own has no gradient an image", at.Node.Operand(slot));
        }
        int extra = from.Shape.Count - to.Shape.Count;
        var repeated = Enumerable.Range(1, from.Shape.Count - 1)
            .Where(axis => axis < extra || GradientContext.IsRepeated(from, axis, to, axis - extra));
        return Fold(at, slot, gradient.Sum([.. repeated.Select(axis => (long)axis)]).Reshape([-1, .. to.Shape]), from.Shape[0]);
    }

    /// <summary>Refuses what has no images along its first axis, one after the other.</summary>
    public static void Check(LocalGradient at, int slot, TensorInfo rows)
    {
        if (rows.Shape.Count == 0 || rows.Batched.Skip(1).Contains(true) || rows.Batched[0] != at.Context.Graph.HasFreeBatch)
        {
            throw at.Context.Error(at.Node, "its images do not lie one after the other, so none has a gradient of its own",
                at.Node.Operand(slot));
        }
    }
}
