using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>Tensors joined along an axis, and taken apart.</summary>
internal static class JoiningRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Concat"] = Concat,
        ["Split"] = Split,
    };

    private static void Concat(LocalGradient at)
    {
        int rank = at.OutputShape().Shape.Count;
        long axis = at.Node.Integer("axis", 0);
        axis = axis < 0 ? axis + rank : axis;
        if (at.OutputShape().Batched[(int)axis])
        {
            OfImages(at, axis);
            return;
        }
        long start = 0;
        for (int slot = 0; slot < at.Slots; slot++)
        {
            long end = start + at.Shape(slot).Shape[(int)axis];
            if (at.Wants(slot))
            {
                at.Give(slot, at.G.Slice([start], [end], [axis], [1]));
            }
            start = end;
        }
    }

    /// <summary>How long the parts are is known when it runs.</summary>
    private static void OfImages(LocalGradient at, long axis)
    {
        var place = at.Nodes.Integers(axis);
        var start = at.Nodes.Integers(0);
        for (int slot = 0; slot < at.Slots; slot++)
        {
            var end = start + at.X(slot).Shape().Gather(place, 0);
            if (at.Wants(slot))
            {
                at.Give(slot, at.G.Then("Slice", start, end, place));
            }
            start = end;
        }
    }

    private static void Split(LocalGradient at)
    {
        at.GiveNothing(1);
        var parts = Enumerable.Range(0, at.Node.Output.Count)
            .Select(output => at.GradientOf(output) ?? at.Context.Of(at.Node.Output[output]).Zeros()).ToArray();
        at.Give(0, parts.Length == 1 ? parts[0]
            : parts[0].With("Concat", [Attribute("axis", at.Node.Integer("axis", 0))], parts.AsSpan(1)));
    }
}
