using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// ONNX Runtime's Attention holds the weights of the projections to queries, keys and values. They are a matrix product in front of its
/// MultiHeadAttention, which computes the rest and has no weights.
/// </summary>
internal static class AttentionRule
{
    private static readonly string[] Kept = ["mask_filter_value", "num_heads", "scale"];

    /// <summary>Separates; false where there are masks, states or turns, which the two operators take in different forms.</summary>
    public static bool Separate(NodeProto node, UpgradeContext context)
    {
        // Inputs: tokens, weights, bias, mask, state, what is added to the scores.
        const int Scores = 5;
        bool isPlain = node.Operands().Skip(3).Index().All(i => i.Item.Length == 0 || i.Index + 3 == Scores)
            && node.Integer("unidirectional", 0) == 0 && node.Integer("do_rotary", 0) == 0
            && !node.Output.Skip(1).Any(context.IsRead);
        if (!isPlain || node.Input.Count < 2)
        {
            return false;
        }
        var (output, bias, scores) = (node.Output[0], node.Operand(2), node.Operand(Scores));
        string product = context.Fresh($"{output}_product"), sum = bias.Length > 0 ? context.Fresh($"{output}_sum") : product;
        if (bias.Length > 0)
        {
            context.After(Node("Add", [product, bias], sum));
        }
        var split = Node("Split", [sum], context.Fresh($"{output}_q"), Attribute("axis", -1));
        split.Output.Add([context.Fresh($"{output}_k"), context.Fresh($"{output}_v")]);
        if (node.Integers("qkv_hidden_sizes") is { Length: > 0 } sizes)
        {
            split.Input.Add(context.Integers($"{output}_sizes", sizes));
        }
        else
        {
            split.Attribute.Add(Attribute("num_outputs", split.Output.Count));
        }
        context.After(split);
        string[] inputs = scores.Length > 0 ? [.. split.Output, "", "", scores] : [.. split.Output];
        var heads = Node("MultiHeadAttention", inputs, output, [.. node.Attribute.Where(a => Kept.Contains(a.Name))]);
        heads.Domain = FusedOperators.Domain;
        context.After(heads);
        string[] factors = [node.Input[0], node.Input[1]];
        (node.OpType, node.Output[0]) = ("MatMul", product);
        node.Attribute.Clear();
        node.Input.Clear();
        node.Input.Add(factors);
        while (node.Output.Count > 1)
        {
            node.Output.RemoveAt(node.Output.Count - 1);
        }
        return true;
    }
}
