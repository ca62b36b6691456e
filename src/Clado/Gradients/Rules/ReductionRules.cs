using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>Reductions along axes: of g and y, spread over the axes again, and x.</summary>
internal static class ReductionRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new Dictionary<string, Action<LocalGradient, Reduced>>
    {
        ["ReduceSum"] = (at, r) => at.Give(0, r.Spread(r.G)),
        ["ReduceMean"] = (at, r) => at.Give(0, r.Spread(r.G) / Count(at, r)),
        ["ReduceMax"] = (at, r) => at.Give(0, Extreme(at.X(0), r.Y, r.G, r.Axes)),
        ["ReduceMin"] = (at, r) => at.Give(0, Extreme(at.X(0), r.Y, r.G, r.Axes)),
        ["ReduceL1"] = (at, r) => at.Give(0, r.G * at.X(0).Sign()),
        ["ReduceL2"] = (at, r) => at.Give(0, r.G * PoolingRules.Norm(at.X(0), r.Y, 2)),
        ["ReduceSumSquare"] = (at, r) => at.Give(0, r.G * at.X(0) * 2),
        ["ReduceLogSum"] = (at, r) => at.Give(0, r.Spread(r.G / r.Y.Exp())),
        ["ReduceLogSumExp"] = (at, r) => at.Give(0, r.G * (at.X(0) - r.Y).Exp()),
        ["ReduceProd"] = (at, r) => at.Give(0, Product(at, r)),
    }.Select(pair => KeyValuePair.Create<string, GradientRule>(pair.Key, at => Apply(at, pair.Value))).Concat(
    [
        new("CumSum", CumulativeSum),
    ]).ToDictionary();

    /// <summary>Elements that are extreme share the gradient.</summary>
    /// <param name="x">What was reduced.</param>
    /// <param name="y">The extremes, with the axes as ones.</param>
    /// <param name="g">The gradient by them, of the same shape.</param>
    /// <param name="axes">The axes.</param>
    public static Value Extreme(Value x, Value y, Value g, long[] axes)
    {
        var reached = x.Is(y).ToFloat();
        return reached * (g / reached.Sum(axes));
    }

    private static void Apply(LocalGradient at, Action<LocalGradient, Reduced> rule)
    {
        int rank = at.Rank(0);
        at.GiveNothing(1);
        var axes = at.Has(1) ? at.Constant(1) : [];
        if (axes.Length == 0)
        {
            if (at.Node.Integer("noop_with_empty_axes", 0) != 0)
            {
                // Only the elements' own function is left.
                rule(at, new Reduced(at, at.G, at.Y, []));
                return;
            }
            axes = [.. Enumerable.Range(0, rank).Select(axis => (long)axis)];
        }
        axes = [.. axes.Select(axis => axis < 0 ? axis + rank : axis).Distinct().Order()];
        bool keeps = at.Node.Integer("keepdims", 1) != 0;
        rule(at, new Reduced(at, keeps ? at.G : at.G.Unsqueeze(axes), keeps ? at.Y : at.Y.Unsqueeze(axes), axes));
    }

    /// <summary>How many elements are reduced to one: a constant, unless images are reduced.</summary>
    private static Value Count(LocalGradient at, Reduced r)
    {
        var info = at.Shape(0);
        if (r.Axes.Any(axis => info.Batched[(int)axis]))
        {
            return at.X(0).Shape().Gather(at.Nodes.Integers(r.Axes), 0).Then("ReduceProd").ToFloat();
        }
        return at.Nodes.Scalar(r.Axes.Aggregate(1L, (product, axis) => product * info.Shape[(int)axis]));
    }

    /// <summary>
    /// The product of the others: y / x, but where one element is zero, which alone then has a gradient, the product of the rest.
    /// </summary>
    private static Value Product(LocalGradient at, Reduced r)
    {
        var (zero, one) = (at.Nodes.Scalar(0), at.Nodes.Scalar(1));
        var isZero = at.X(0).Is(zero);
        var others = isZero.Choose(one, at.X(0));
        var product = r.Axes.Length == 0 ? others : others.Then("ReduceProd", at.Nodes.Integers(r.Axes));
        var zeros = isZero.ToFloat().Sum(r.Axes);
        return r.G * isZero.Choose(zeros.Is(one).Keep(product), zeros.Is(zero).Keep(product / others));
    }

    /// <summary>Every element is in all sums behind it: the sums of the gradients from the other end.</summary>
    private static void CumulativeSum(LocalGradient at)
    {
        at.GiveNothing(1);
        var way = Attribute("reverse", 1 - at.Node.Integer("reverse", 0));
        at.Give(0, at.G.With("CumSum", [way, Attribute("exclusive", at.Node.Integer("exclusive", 0))], at.X(1)));
    }

    /// <summary>A reduction with its axes as ones.</summary>
    private sealed record Reduced(LocalGradient At, Value G, Value Y, long[] Axes)
    {
        /// <summary>Repeats a value along the axes.</summary>
        public Value Spread(Value value) => Axes.Length == 0 ? value : At.Context.Expand(value, At.Node.Operand(0), Axes);
    }
}
