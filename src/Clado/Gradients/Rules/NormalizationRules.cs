using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>
/// Normalizations. Of x̂ = (x − mean) r, r = 1 / √(variance + ε), and gradients h by x̂: r (h − mean h − x̂ mean(h x̂)), means along the
/// axes that are normalized; without the mean of h where no mean is taken off.
/// </summary>
internal static class NormalizationRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["BatchNormalization"] = Batch,
        ["GroupNormalization"] = Group,
        ["InstanceNormalization"] = Instance,
        ["LayerNormalization"] = Layer,
        ["LpNormalization"] = Lp,
        ["MeanVarianceNormalization"] = MeanVariance,
        ["RMSNormalization"] = RootMeanSquare,
    };

    /// <summary>With statistics that are given it is a product and a sum a channel.</summary>
    private static void Batch(LocalGradient at)
    {
        if (at.Node.Integer("training_mode", 0) != 0)
        {
            throw at.Refused("it trains; export the model in evaluation mode");
        }
        long[] axes = [.. Enumerable.Range(1, Math.Max(0, at.Rank(0) - 2)).Select(axis => (long)axis)];
        long[] summed = [0, .. axes.Select(axis => axis + 1)];
        var r = 1 / (at.X(4) + Epsilon(at)).Sqrt();
        var scale = at.X(1) * r;
        at.Give(0, at.G * scale.Unsqueeze(axes));
        var centred = at.X(0) - at.X(3).Unsqueeze(axes);
        long rows = at.Shape(0).Shape[0];
        long[] spatial = [.. axes.Select(axis => axis + 1)];
        at.GiveShared(1, (at.G * centred * r.Unsqueeze(axes)).SumAway(spatial), rows);
        at.GiveShared(2, at.G.SumAway(spatial), rows);
        at.Give(3, -(at.G.SumAway(summed) * scale));
        at.Give(4, (at.G * centred).SumAway(summed) * scale * r.Square() * -0.5f);
    }

    private static void Layer(LocalGradient at)
    {
        int rank = at.Rank(0);
        var axes = Trailing(at, rank);
        var (x, mean, r) = (at.X(0), at.Extra(1), at.Extra(2));
        var normal = (x - mean) * r;
        at.Give(0, By(at.G * at.X(1), normal, r, axes, isCentred: true));
        at.GiveReduced(1, at.G * normal);
        if (at.Has(2))
        {
            at.GiveReduced(2, at.G);
        }
    }

    private static void RootMeanSquare(LocalGradient at)
    {
        var axes = Trailing(at, at.Rank(0));
        var x = at.X(0);
        var r = 1 / (x.Square().Mean(axes) + Epsilon(at)).Sqrt();
        var normal = x * r;
        at.Give(0, By(at.G * at.X(1), normal, r, axes, isCentred: false));
        at.GiveReduced(1, at.G * normal);
    }

    private static void Instance(LocalGradient at)
    {
        long[] axes = [.. Enumerable.Range(2, at.Rank(0) - 2).Select(axis => (long)axis)];
        var (normal, r) = Normal(at.X(0), axes, Epsilon(at));
        long[] spread = [.. axes.Select(axis => axis - 1)];
        at.Give(0, By(at.G * at.X(1).Unsqueeze(spread), normal, r, axes, isCentred: true));
        at.GiveShared(1, (at.G * normal).SumAway(axes), at.Shape(0).Shape[0]);
        at.GiveShared(2, at.G.SumAway(axes), at.Shape(0).Shape[0]);
    }

    /// <summary>A group of channels is normalized as one row; scales and biases are the channels' own.</summary>
    private static void Group(LocalGradient at)
    {
        long groups = at.Node.Integer("num_groups", 1);
        long[] spatial = [.. Enumerable.Range(2, at.Rank(0) - 2).Select(axis => (long)axis)];
        long[] spread = [.. spatial.Select(axis => axis - 1)];
        var input = at.Node.Operand(0);
        var (normal, r) = Normal(at.X(0).Reshape(0, groups, -1), [2], Epsilon(at));
        var byNormal = (at.G * at.X(1).Unsqueeze(spread)).Reshape(0, groups, -1);
        at.Give(0, at.Context.Reshape(By(byNormal, normal, r, [2], isCentred: true), input));
        at.GiveShared(1, (at.G * at.Context.Reshape(normal, input)).SumAway(spatial), at.Shape(0).Shape[0]);
        at.GiveShared(2, at.G.SumAway(spatial), at.Shape(0).Shape[0]);
    }

    private static void MeanVariance(LocalGradient at)
    {
        // What its operator adds to the variance.
        const float Least = 1e-9f;
        var axes = at.Node.Integers("axes") ?? [0, 2, 3];
        var (normal, r) = Normal(at.X(0), axes, Least);
        at.Give(0, By(at.G, normal, r, axes, isCentred: true));
    }

    /// <summary>y = x / ‖x‖ₚ: (g − ‖x‖ₚ′ Σ g y) / ‖x‖ₚ.</summary>
    private static void Lp(LocalGradient at)
    {
        long axis = at.Node.Integer("axis", -1), p = at.Node.Integer("p", 2);
        var x = at.X(0);
        var norm = p == 1 ? x.Then("Abs").Sum(axis) : x.Square().Sum(axis).Sqrt();
        at.Give(0, (at.G - (PoolingRules.Norm(x, norm, p) * (at.G * at.Y).Sum(axis))) / norm);
    }

    private static (Value Normal, Value R) Normal(Value x, long[] axes, float epsilon)
    {
        var centred = x - x.Mean(axes);
        var r = 1 / (centred.Square().Mean(axes) + epsilon).Sqrt();
        return (centred * r, r);
    }

    private static Value By(Value byNormal, Value normal, Value r, long[] axes, bool isCentred)
    {
        var along = normal * (byNormal * normal).Mean(axes);
        return r * ((isCentred ? byNormal - byNormal.Mean(axes) : byNormal) - along);
    }

    private static long[] Trailing(LocalGradient at, int rank)
    {
        int axis = (int)at.Node.Integer("axis", -1);
        return [.. Enumerable.Range(axis < 0 ? axis + rank : axis, axis < 0 ? -axis : rank - axis).Select(position => (long)position)];
    }

    private static float Epsilon(LocalGradient at) => at.Node.Single("epsilon", 1e-5f);
}
