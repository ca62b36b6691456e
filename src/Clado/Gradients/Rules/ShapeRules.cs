using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>Operators that move or repeat elements, or leave them alone.</summary>
internal static class ShapeRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Cast"] = at => at.Give(0, at.G),
        ["CastLike"] = CastLike,
        ["DepthToSpace"] = DepthToSpace,
        ["Dropout"] = Dropout,
        ["Expand"] = at => at.GiveReduced(0, at.G),
        ["Flatten"] = Restored,
        ["Identity"] = at => at.Give(0, at.G),
        ["Reshape"] = Restored,
        ["SpaceToDepth"] = at => at.Give(
            0, at.G.With("DepthToSpace", [Attribute("blocksize", at.Node.Integer("blocksize", 1)), Attribute("mode", "DCR")])),
        ["Squeeze"] = Restored,
        ["Tile"] = Tile,
        ["Transpose"] = Transpose,
        ["Trilu"] = at => at.Give(0, at.Has(1) ? at.G.With("Trilu", Upper(at), at.X(1)) : at.G.With("Trilu", Upper(at))),
        ["Unsqueeze"] = Restored,
    };

    private static void Restored(LocalGradient at) => at.Give(0, at.Context.Reshape(at.G, at.Node.Operand(0)));

    private static void CastLike(LocalGradient at)
    {
        at.Give(0, at.G);
        at.GiveNothing(1);
    }

    private static IEnumerable<AttributeProto> Upper(LocalGradient at) => [Attribute("upper", at.Node.Integer("upper", 1))];

    /// <summary>In evaluation it leaves everything as it is, and so it does where it drops nothing.</summary>
    private static void Dropout(LocalGradient at)
    {
        bool isOff = !at.Has(2) || at.Context.Singles(at.Node.Operand(1)) is [0]
            || (at.Context.Graph.Initializers.TryGetValue(at.Node.Operand(2), out var training)
                && (training.HasRawData ? training.RawData.Span[0] : training.Int32Data[0]) == 0);
        if (!isOff)
        {
            throw at.Refused("it may train; export the model in evaluation mode");
        }
        at.GiveNothing(1);
        at.Give(0, at.G);
    }

    private static void Transpose(LocalGradient at)
    {
        int rank = at.Rank(0);
        long[] order = at.Node.Integers("perm") ?? [.. Enumerable.Range(1, rank).Select(axis => (long)rank - axis)];
        at.Give(0, at.G.Transpose([.. order.Select((axis, i) => (axis, i)).OrderBy(pair => pair.axis).Select(pair => (long)pair.i)]));
    }

    /// <summary>The sum of the copies: every axis falls apart into copies and places.</summary>
    private static void Tile(LocalGradient at)
    {
        var repeats = at.Constant(1);
        var shape = at.Shape(0);
        if (shape.Batched.Count(batched => batched) > 1)
        {
            throw at.Refused("several of its axes depend on the number of images");
        }
        var (dims, copies) = (new List<long>(), new List<long>());
        foreach (var (dim, axis) in shape.Shape.Select((dim, axis) => (dim, axis)))
        {
            if (repeats[axis] > 1)
            {
                copies.Add(dims.Count);
                dims.Add(repeats[axis]);
            }
            dims.Add(shape.Batched[axis] ? -1 : dim);
        }
        at.Give(0, copies.Count == 0 ? at.G : at.G.Reshape([.. dims]).SumAway([.. copies]));
    }

    /// <summary>Blocks go back into channels: into the first or the last part of them, by the mode.</summary>
    private static void DepthToSpace(LocalGradient at)
    {
        var block = at.Node.Integer("blocksize", 1);
        if (at.Node.Text("mode") != "CRD")
        {
            at.Give(0, at.G.With("SpaceToDepth", [Attribute("blocksize", block)]));
            return;
        }
        var image = at.Shape(0).Shape;
        var apart = at.G.Reshape(-1, image[1] / (block * block), image[2], block, image[3], block);
        at.Give(0, apart.Transpose(0, 1, 3, 5, 2, 4).Reshape(-1, image[1], image[2], image[3]));
    }
}
