using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>Elements taken from places, or put to places, that a tensor names.</summary>
internal static class ScatterRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Compress"] = Compress,
        ["GatherElements"] = GatherElements,
        ["GatherND"] = GatherND,
        ["ReverseSequence"] = ReverseSequence,
        ["ScatterElements"] = ScatterElements,
        ["ScatterND"] = ScatterND,
        ["TopK"] = TopK,
    };

    /// <summary>The gradient of a Gather whose places may repeat or are known when it runs: rows are added where they came from.</summary>
    /// <param name="at">The node.</param>
    /// <param name="axis">The axis of the places.</param>
    /// <param name="taken">Rank of the tensor of places.</param>
    public static void Gathered(LocalGradient at, long axis, int taken)
    {
        int rank = at.Rank(0);
        long[] front = [axis, .. Enumerable.Range(0, rank).Where(other => other != axis).Select(other => (long)other)];
        long[] places = [.. Enumerable.Range((int)axis, taken).Select(position => (long)position)];
        long[] moved = [.. places, .. Enumerable.Range(0, rank - 1 + taken).Select(other => (long)other).Except(places)];
        long[] back = [.. Enumerable.Range(0, rank).Select(other => (long)Array.IndexOf(front, other))];
        var zeros = at.X(0).Transpose(front).Zeros();
        var sum = zeros.With(
            "ScatterND", [Attribute("reduction", "add")], at.X(1).ToInt64().Unsqueeze(-1), at.G.Transpose(moved));
        at.Give(0, sum.Transpose(back));
    }

    private static void GatherElements(LocalGradient at)
    {
        at.GiveNothing(1);
        at.Give(0, Added(at, at.X(1), at.G, at.Node.Integer("axis", 0)));
    }

    private static Value Added(LocalGradient at, Value places, Value gradient, long axis) => at.X(0).Zeros().With(
        "ScatterElements", [Attribute("axis", axis), Attribute("reduction", "add")], places, gradient);

    private static void GatherND(LocalGradient at)
    {
        at.GiveNothing(1);
        if (at.Node.Integer("batch_dims", 0) != 0)
        {
            throw at.Refused("its places are batches of their own");
        }
        at.Give(0, at.X(0).Zeros().With("ScatterND", [Attribute("reduction", "add")], at.X(1), at.G));
    }

    private static void ScatterND(LocalGradient at)
    {
        at.GiveNothing(1);
        bool adds = IsSum(at);
        at.Give(0, adds ? at.G : at.G.Then("ScatterND", at.X(1), at.X(2).Zeros()));
        at.Give(2, at.G.Then("GatherND", at.X(1)));
    }

    private static void ScatterElements(LocalGradient at)
    {
        at.GiveNothing(1);
        var axis = Attribute("axis", at.Node.Integer("axis", 0));
        at.Give(0, IsSum(at) ? at.G : at.G.With("ScatterElements", [axis], at.X(1), at.X(2).Zeros()));
        at.Give(2, at.G.With("GatherElements", [axis], at.X(1)));
    }

    /// <summary>Whether what is put is added; else it replaces what is there. Places that are named twice have no one value then.</summary>
    private static bool IsSum(LocalGradient at) => (at.Node.Text("reduction") ?? "none") switch
    {
        "none" => false,
        "add" => true,
        var other => throw at.Refused($"it reduces with '{other}'"),
    };

    private static void TopK(LocalGradient at)
    {
        at.GiveNothing(1);
        at.Give(0, Added(at, at.Extra(1), at.G, at.Node.Integer("axis", -1)));
    }

    private static void ReverseSequence(LocalGradient at)
    {
        at.GiveNothing(1);
        at.Give(0, at.G.With(
            "ReverseSequence",
            [Attribute("batch_axis", at.Node.Integer("batch_axis", 1)), Attribute("time_axis", at.Node.Integer("time_axis", 0))], at.X(1)));
    }

    private static void Compress(LocalGradient at)
    {
        at.GiveNothing(1);
        var places = at.X(1).Then("NonZero").Squeeze(0);
        if (at.Node.Find("axis") is not { } chosen)
        {
            var flat = at.X(0).Then("Size").Unsqueeze(0).Then("ConstantOfShape");
            at.Give(0, at.Context.Reshape(flat.Then("ScatterND", places.Unsqueeze(-1), at.G), at.Node.Operand(0)));
            return;
        }
        int rank = at.Rank(0);
        long axis = chosen.I < 0 ? chosen.I + rank : chosen.I;
        long[] order = [.. Enumerable.Range(0, rank).Select(other => (long)other)];
        (order[0], order[axis]) = (axis, 0);
        var rows = at.X(0).Transpose(order).Zeros();
        at.Give(0, rows.Then("ScatterND", places.Unsqueeze(-1), at.G.Transpose(order)).Transpose(order));
    }
}
