using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>Elements taken from places along axes.</summary>
internal static class SelectionRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["CenterCropPad"] = CenterCropPad,
        ["Gather"] = Gather,
        ["Pad"] = Pad,
        ["Slice"] = Slice,
    };

    /// <summary>The gradient of what was taken from places along an axis: every place gets what was taken from it.</summary>
    /// <param name="at">The node.</param>
    /// <param name="gradient">The gradient by what was taken.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="places">Where each was taken from; -1 for what came from elsewhere. Shape: [taken].</param>
    /// <param name="length">Places along the axis.</param>
    public static Value Returned(LocalGradient at, Value gradient, long axis, long[] places, long length)
    {
        // Behind the last a zero is taken, for places that nothing was taken from. A place may have been taken from several times.
        var turns = new List<long[]>();
        var count = new int[length];
        for (int taken = 0; taken < places.Length; taken++)
        {
            if (places[taken] < 0)
            {
                continue;
            }
            if (count[places[taken]] == turns.Count)
            {
                var unfilled = new long[length];
                Array.Fill(unfilled, places.Length);
                turns.Add(unfilled);
            }
            turns[count[places[taken]]++][places[taken]] = taken;
        }
        var zero = at.Nodes.Integers(0, 1);
        var padded = gradient.Then("Pad", zero, at.Nodes.Scalar(0), at.Nodes.Integers(axis));
        Value[] parts = [.. turns.Select(turn => padded.Gather(at.Nodes.Integers(turn), axis))];
        return parts.Length switch
        {
            0 => padded.Gather(at.Nodes.Integers([.. Enumerable.Repeat((long)places.Length, (int)length)]), axis),
            1 => parts[0],
            _ => parts[0].Then("Sum", parts.AsSpan(1)),
        };
    }

    private static void Slice(LocalGradient at)
    {
        for (int slot = 1; slot < at.Slots; slot++)
        {
            at.GiveNothing(slot);
        }
        var shape = at.Shape(0);
        var (starts, ends) = (at.Constant(1), at.Constant(2));
        long[] axes = at.Has(3) ? at.Constant(3) : [.. starts.Select((_, axis) => (long)axis)];
        long[] steps = at.Has(4) ? at.Constant(4) : [.. starts.Select(_ => 1L)];
        var pads = new long[2 * shape.Shape.Count];
        var gradient = at.G;
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = (int)(axes[i] < 0 ? axes[i] + shape.Shape.Count : axes[i]);
            long[] places = Places(starts[i], ends[i], steps[i], shape.Shape[axis]);
            if (shape.Batched[axis])
            {
                RefuseSome(at, starts[i], ends[i], steps[i]);
            }
            else if (steps[i] == 1 && places.Length > 0)
            {
                (pads[axis], pads[axis + shape.Shape.Count]) = (places[0], shape.Shape[axis] - 1 - places[^1]);
            }
            else
            {
                gradient = Returned(at, gradient, axis, places, shape.Shape[axis]);
            }
        }
        at.Give(0, gradient.Pad(pads));
    }

    /// <summary>Of a number of images that is not known, only all can be taken.</summary>
    private static void RefuseSome(LocalGradient at, long start, long end, long step)
    {
        if (start != 0 || step != 1 || end < int.MaxValue)
        {
            throw at.Refused("it takes some of the images");
        }
    }

    private static long[] Places(long start, long end, long step, long length)
    {
        long first = Math.Clamp(start < 0 ? start + length : start, step > 0 ? 0 : -1, step > 0 ? length : length - 1);
        long beyond = Math.Clamp(end < 0 ? Math.Max(-1, end + length) : end, step > 0 ? 0 : -1, length);
        var places = new List<long>();
        for (long place = Math.Max(0, first); step > 0 ? place < beyond : place > beyond; place += step)
        {
            places.Add(place);
        }
        return [.. places];
    }

    private static void Gather(LocalGradient at)
    {
        at.GiveNothing(1);
        var shape = at.Shape(0);
        long axis = at.Node.Integer("axis", 0);
        axis = axis < 0 ? axis + shape.Shape.Count : axis;
        long length = shape.Shape[(int)axis];
        var places = at.Context.Integers(at.Node.Operand(1))?.Select(place => place < 0 ? place + length : place).ToArray();
        int taken = at.Rank(1);
        if (places is null || shape.Batched[(int)axis] || places.Distinct().Count() != places.Length)
        {
            ScatterRules.Gathered(at, axis, taken);
            return;
        }
        // The axis stands for all axes of the places.
        var gradient = at.G;
        if (taken != 1)
        {
            var output = at.OutputShape();
            long[] dims = [.. output.Shape.Zip(output.Batched, (dim, batched) => batched ? -1 : dim)];
            if (dims.Count(dim => dim == -1) > 1)
            {
                ScatterRules.Gathered(at, axis, taken);
                return;
            }
            gradient = gradient.Reshape([.. dims.Take((int)axis), places.Length, .. dims.Skip((int)axis + taken)]);
        }
        at.Give(0, Returned(at, gradient, axis, places, length));
    }

    /// <summary>What was added is cut off; mirrored and repeated borders go back to the pixels they show.</summary>
    private static void Pad(LocalGradient at)
    {
        at.GiveNothing(1);
        at.GiveNothing(3);
        var shape = at.Shape(0);
        var given = at.Constant(1);
        long[] axes = at.Has(3) ? at.Constant(3) : [.. shape.Shape.Select((_, axis) => (long)axis)];
        var pads = new long[2 * shape.Shape.Count];
        for (int i = 0; i < axes.Length; i++)
        {
            long axis = axes[i] < 0 ? axes[i] + shape.Shape.Count : axes[i];
            (pads[axis], pads[axis + shape.Shape.Count]) = (given[i], given[i + axes.Length]);
        }
        var mode = at.Node.Text("mode") ?? "constant";
        if (mode == "constant")
        {
            var inside = at.G.Pad([.. pads.Select(pad => -pad)]);
            at.Give(0, inside);
            long[] all = [.. shape.Shape.Select((_, axis) => (long)axis)];
            if (at.Has(2) && at.Wants(2))
            {
                at.Give(2, at.Context.Reshape(at.G.SumAway(all) - inside.SumAway(all), at.Node.Operand(2)));
            }
            return;
        }
        at.GiveNothing(2);
        var gradient = at.G;
        for (int axis = 0; axis < shape.Shape.Count; axis++)
        {
            var (before, behind, length) = (pads[axis], pads[axis + shape.Shape.Count], shape.Shape[axis]);
            if (before != 0 || behind != 0)
            {
                long[] places = [.. Enumerable.Range(0, (int)(before + length + behind)).Select(i => Shown(mode, i - before, length))];
                gradient = Returned(at, gradient, axis, places, length);
            }
        }
        at.Give(0, gradient);
    }

    /// <summary>The pixel that a place beside the image shows.</summary>
    private static long Shown(string mode, long place, long length)
    {
        long period = mode == "reflect" ? Math.Max(1, 2 * (length - 1)) : length;
        long within = ((place % period) + period) % period;
        return mode == "edge" ? Math.Clamp(place, 0, length - 1) : within < length ? within : period - within;
    }

    /// <summary>The middle of each axis, with zeros around it where it is longer than the image.</summary>
    private static void CenterCropPad(LocalGradient at)
    {
        at.GiveNothing(1);
        var (shape, target) = (at.Shape(0), at.OutputShape());
        int rank = shape.Shape.Count;
        var pads = new long[2 * rank];
        for (int axis = 0; axis < rank; axis++)
        {
            long more = target.Shape[axis] - shape.Shape[axis];
            long before = more >= 0 ? more / 2 : -(-more / 2);
            (pads[axis], pads[axis + rank]) = (-before, before - more);
        }
        at.Give(0, at.G.Pad(pads));
    }
}
