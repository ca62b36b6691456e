using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>
/// Resize is linear, and each axis is for itself: a matrix that ONNX Runtime gives away when it resizes the unit matrix. Backwards it is
/// transposed.
/// </summary>
internal static class ResizeRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Resize"] = Resize,
    };

    private static void Resize(LocalGradient at)
    {
        for (int slot = 1; slot < at.Slots; slot++)
        {
            at.GiveNothing(slot);
        }
        if (at.Node.Text("coordinate_transformation_mode") == "tf_crop_and_resize")
        {
            throw at.Refused("it crops");
        }
        var (from, to) = (at.Shape(0), at.OutputShape());
        var gradient = at.G;
        if (from.Shape.SequenceEqual(to.Shape))
        {
            // Then ONNX Runtime copies, whatever the scales.
            at.Give(0, gradient);
            return;
        }
        long[] sizes = [.. to.Shape];
        for (int axis = from.Shape.Count - 1; axis >= 0; axis--)
        {
            if (IsResized(at, axis, from, to))
            {
                gradient = Back(at, gradient, axis, sizes, from.Shape[axis]);
                sizes[axis] = from.Shape[axis];
            }
        }
        at.Give(0, gradient);
    }

    /// <summary>Whether an axis changes: it may keep its length and be sampled between its pixels all the same.</summary>
    private static bool IsResized(LocalGradient at, int axis, TensorInfo from, TensorInfo to)
    {
        bool changes = from.Shape[axis] != to.Shape[axis] || Scale(at, axis, from.Shape.Count) is not (null or 1);
        return !changes ? false : from.Batched[axis] ? throw at.Refused("it resizes along the images") : true;
    }

    private static Value Back(LocalGradient at, Value gradient, int axis, long[] sizes, long length)
    {
        var matrix = Matrix(at, axis, length, sizes[axis]);
        if (axis == sizes.Length - 1)
        {
            return gradient.MatMul(at.Nodes.Singles(matrix, sizes[axis], length));
        }
        var transposed = at.Nodes.Singles(matrix, sizes[axis], length).Turned(2);
        if (axis == sizes.Length - 2)
        {
            return transposed.MatMul(gradient);
        }
        long inner = sizes.Skip(axis + 1).Aggregate(1L, (product, size) => product * size);
        long[] outer = [.. sizes.Take(axis)];
        var flat = gradient.Reshape([.. outer.Select((size, i) => at.Shape(0).Batched[i] ? -1 : size), sizes[axis], inner]);
        return transposed.MatMul(flat).Reshape(
            [.. outer.Select((size, i) => at.Shape(0).Batched[i] ? -1 : size), length, .. sizes.Skip(axis + 1)]);
    }

    /// <summary>What each place of the output takes of each pixel along an axis. Shape: [places · pixels].</summary>
    private static float[] Matrix(LocalGradient at, int axis, long length, long places)
    {
        int rank = at.Rank(0);
        // The unit matrix is an image one pixel wide, or high, with as many channels as it has pixels. That one pixel is doubled: an image
        // that keeps its size would be copied.
        bool isRow = axis == rank - 1 || rank < 3;
        int own = isRow ? 3 : 2, other = 5 - own;
        long[] image = [1, length, 1, 1];
        image[own] = length;
        var model = GraphPart.Shell(at.Context.Model);
        var identity = new float[length * length];
        for (long i = 0; i < length; i++)
        {
            identity[(i * length) + i] = 1;
        }
        model.Graph.Initializer.Add(TensorData.Singles("identity", identity, image));
        var scale = Scale(at, axis, rank);
        float[] scales = [1, 1, 1, 1];
        long[] sizes = [.. image];
        (scales[own], scales[other], sizes[own], sizes[other]) = (scale ?? 1, 2, places, 2);
        model.Graph.Initializer.Add(scale is null
            ? TensorData.Integers("target", sizes, sizes.Length) : TensorData.Singles("target", scales, scales.Length));
        var attributes = at.Node.Attribute.Where(attribute => attribute.Name is not ("axes" or "keep_aspect_ratio_policy")).ToArray();
        string[] target = scale is null ? ["", "", "target"] : ["", "target"];
        model.Graph.Node.Add(Node("Resize", ["identity", .. target], "matrix", attributes));
        model.Graph.Output.Add(new ValueInfoProto { Name = "matrix" });
        using var session = new GraphSession(model, at.Context.File, GraphOptimizationLevel.ORT_DISABLE_ALL);
        using var values = session.Run(_ => throw new InvalidOperationException("Constants have no inputs."));
        return Transposed(values[0].GetTensorDataAsSpan<float>(), length, places, isRow);
    }

    /// <summary>The first of the two rows, or columns, of every channel; channels become columns.</summary>
    private static float[] Transposed(ReadOnlySpan<float> doubled, long pixels, long places, bool isRow)
    {
        var matrix = new float[pixels * places];
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            for (int place = 0; place < places; place++)
            {
                matrix[(place * pixels) + pixel] = doubled[(int)((pixel * 2 * places) + (isRow ? place : 2 * place))];
            }
        }
        return matrix;
    }

    /// <summary>The factor that an axis is resized by; null where sizes are given.</summary>
    private static float? Scale(LocalGradient at, int axis, int rank)
    {
        const int Scales = 2, Sizes = 3;
        if (!at.Has(Scales) || at.Has(Sizes))
        {
            return null;
        }
        var scales = at.Context.Singles(at.Node.Operand(Scales));
        if (scales is null)
        {
            // Computed of shapes: as the lengths say.
            return null;
        }
        long[] axes = at.Node.Integers("axes") ?? [.. Enumerable.Range(0, rank).Select(other => (long)other)];
        int place = Array.FindIndex(axes, other => (other < 0 ? other + rank : other) == axis);
        return scales.Length == 0 ? null : place < 0 ? 1 : scales[place];
    }
}
