using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>
/// Attention: y = P V, P = softmax(S), S = c Q Kᵀ, softly capped, and masks added. The probabilities are computed again.
/// </summary>
internal static class AttentionRules
{
    // Positions of the operator's inputs and outputs.
    private const int Query = 0, Key = 1, Values = 2, Mask = 3, PastKey = 4, Lengths = 6;

    // What a query must not see is as far below the others as a float can be and stay a number when another is added.
    private const float Hidden = -1e30f;

    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Attention"] = Attention,
    };

    private static void Attention(LocalGradient at)
    {
        if (at.Has(PastKey) || at.Has(PastKey + 1) || at.Has(Lengths))
        {
            throw at.Refused("it goes on from earlier keys");
        }
        long heads = Heads(at, Query, "q_num_heads"), shared = Heads(at, Key, "kv_num_heads");
        var q = InHeads(at, at.X(Query), Query, heads);
        var (k, v) = (InHeads(at, at.X(Key), Key, shared), InHeads(at, at.X(Values), Values, shared));
        long repeats = heads / shared;
        var (keys, values) = (Repeated(k, repeats, shared), Repeated(v, repeats, shared));
        float scale = at.Node.Single("scale", 1 / MathF.Sqrt(Width(at, Query, heads)));
        float cap = at.Node.Single("softcap", 0);
        var products = q.MatMul(keys.Turned(4)) * scale;
        var (masked, tangent) = Masked(at, products, cap);
        var p = masked.With("Softmax", [NodeExtensions.Attribute("axis", -1)]);
        var g = InHeads(at, at.G, Query, heads);
        var byScores = SoftmaxRules.Softmax(g.MatMul(values.Turned(4)), p, -1);
        if (at.Has(Mask) && at.Wants(Mask))
        {
            throw at.Refused("its mask has a gradient");
        }
        at.GiveNothing(Mask);
        var byProducts = (tangent is { } slope ? byScores * slope : byScores) * scale;
        Give(at, Query, byProducts.MatMul(keys), heads);
        Give(at, Key, Gathered(byProducts.Turned(4).MatMul(q), repeats, shared, at, Key), shared);
        Give(at, Values, Gathered(p.Turned(4).MatMul(g), repeats, shared, at, Values), shared);
    }

    /// <summary>Scores with cap and masks, and the slope of the cap.</summary>
    private static (Value Scores, Value? Slope) Masked(LocalGradient at, Value products, float cap)
    {
        var scores = products;
        Value? slope = null;
        if (cap > 0)
        {
            var bent = (scores / cap).Tanh();
            (scores, slope) = (bent * cap, 1 - bent.Square());
        }
        if (at.Has(Mask))
        {
            scores = at.Shape(Mask).Type == TensorProto.Types.DataType.Bool
                ? at.X(Mask).Choose(scores, at.Nodes.Scalar(Hidden)) : scores + at.X(Mask);
        }
        if (at.Node.Integer("is_causal", 0) != 0)
        {
            scores += Causal(at);
        }
        return (scores, slope);
    }

    /// <summary>What hides the keys behind each query's place. Shape: [queries, keys].</summary>
    private static Value Causal(LocalGradient at)
    {
        long queries = Length(at, Query), keys = Length(at, Key);
        var hidden = new float[queries * keys];
        for (long query = 0; query < queries; query++)
        {
            for (long key = query + 1; key < keys; key++)
            {
                hidden[(query * keys) + key] = Hidden;
            }
        }
        return at.Nodes.Singles(hidden, queries, keys);
    }

    /// <summary>Number of heads: an axis, or given where they lie side by side in the last.</summary>
    private static long Heads(LocalGradient at, int slot, string name) =>
        at.Rank(slot) == 4 ? at.Shape(slot).Shape[1] : at.Node.Integer(name, 1);

    private static long Length(LocalGradient at, int slot) => at.Shape(slot).Shape[^2];

    private static long Width(LocalGradient at, int slot, long heads) =>
        at.Rank(slot) == 4 ? at.Shape(slot).Shape[3] : at.Shape(slot).Shape[2] / heads;

    /// <summary>Shape: [images, heads, length, width].</summary>
    private static Value InHeads(LocalGradient at, Value value, int slot, long heads) => at.Rank(slot) == 4
        ? value : value.Reshape(0, 0, heads, -1).Transpose(0, 2, 1, 3);

    /// <summary>Every head as often as heads of queries share it. Shape: [images, heads, length, width].</summary>
    private static Value Repeated(Value value, long repeats, long shared) => repeats == 1 ? value
        : value.Gather(value.Nodes.Integers([.. Enumerable.Range(0, (int)(repeats * shared)).Select(head => head / repeats)]), 1);

    private static Value Gathered(Value gradient, long repeats, long shared, LocalGradient at, int slot) => repeats == 1 ? gradient
        : gradient.Reshape(-1, shared, repeats, Length(at, slot), Width(at, slot, shared)).SumAway(2);

    private static void Give(LocalGradient at, int slot, Value gradient, long heads) =>
        at.Give(slot, at.Rank(slot) == 4 ? gradient : at.Context.Reshape(gradient.Transpose(0, 2, 1, 3), at.Node.Operand(slot)));
}
