using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>Convolutions and matrix products with what stood around them: sums, activations, factors, transpositions.</summary>
internal static class FusedProducts
{
    private const string ActivationPrefix = "activation_";

    // Which of an activation's attributes a convolution's activation_params are. Clip has inputs.
    private static readonly Dictionary<string, string[]> Parameters = new()
    {
        ["Clip"] = ["min", "max"],
        ["HardSigmoid"] = ["alpha", "beta"],
        ["LeakyRelu"] = ["alpha"],
        ["Relu"] = [],
        ["Sigmoid"] = [],
        ["Tanh"] = [],
    };

    // What a Gemm's activation may be: its attributes carry the prefix.
    private static readonly string[] Elementwise =
        ["Elu", "HardSigmoid", "LeakyRelu", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Tanh", "ThresholdedRelu"];

    /// <summary>activation(Conv(x, w, b) + z).</summary>
    public static bool Convolution(NodeProto node, UpgradeContext context)
    {
        var activation = node.Text("activation") is { Length: > 0 } name ? name : null;
        float[] values = [.. node.Find("activation_params")?.Floats ?? []];
        if (activation is not null && (!Parameters.TryGetValue(activation, out var names) || names.Length != values.Length))
        {
            return false;
        }
        node.Take("activation");
        node.Take("activation_params");
        var behind = new List<NodeProto>();
        if (node.Operand(3) is { Length: > 0 } addend)
        {
            behind.Add(Node("Add", ["", addend], ""));
        }
        while (node.Input.Count > 3)
        {
            node.Input.RemoveAt(node.Input.Count - 1);
        }
        if (activation == "Clip")
        {
            var bounds = values.Zip(Parameters["Clip"], (value, bound) => context.Scalar($"{node.Output[0]}_{bound}", value));
            behind.Add(Node("Clip", ["", .. bounds], ""));
        }
        else if (activation is not null)
        {
            behind.Add(Node(activation, [""], "", [.. Parameters[activation].Zip(values, Number)]));
        }
        Follow(node, "Conv", behind, context);
        return true;
    }

    /// <summary>activation(Gemm(a, b, c)).</summary>
    public static bool Gemm(NodeProto node, UpgradeContext context)
    {
        var activation = node.Text("activation") is { Length: > 0 } name ? name : null;
        var own = node.Attribute.Where(a => a.Name.StartsWith(ActivationPrefix, StringComparison.Ordinal)).ToArray();
        if ((activation is not null && !Elementwise.Contains(activation)) || node.Find("leaky_relu_alpha") is not null)
        {
            return false;
        }
        foreach (var attribute in own.Append(node.Find("activation")).OfType<AttributeProto>())
        {
            node.Attribute.Remove(attribute);
        }
        AttributeProto[] attributes = [.. own.Select(attribute => Number(attribute.Name[ActivationPrefix.Length..], attribute.F))];
        Follow(node, "Gemm", activation is null ? [] : [Node(activation, [""], "", attributes)], context);
        return true;
    }

    /// <summary>alpha · A' B', either transposed in its last two dimensions where it says so.</summary>
    public static bool MatMul(NodeProto node, UpgradeContext context)
    {
        bool IsSet(string name) => node.Integer(name, 0) != 0;
        bool[] transposed = [IsSet("transA"), IsSet("transB")];
        bool movesBatch = IsSet("transBatchA") || IsSet("transBatchB");
        int?[] ranks = [.. Enumerable.Range(0, 2).Select(slot => transposed[slot] ? context.Rank(node.Operand(slot)) : 0)];
        if (movesBatch || node.Input.Count != 2 || ranks.Any(rank => rank is null))
        {
            return false;
        }
        var behind = new List<NodeProto>();
        if (node.Find("alpha") is { F: not 1 } alpha)
        {
            var factor = context.Scalar($"{node.Output[0]}_alpha", alpha.F);
            // A constant is multiplied once and for all.
            int constant = Enumerable.Range(0, 2).FirstOrDefault(slot => context.IsConstant(node.Operand(slot)), -1);
            if (constant >= 0)
            {
                node.Input[constant] = FusedOperators.Before("Mul", [node.Input[constant], factor], $"{node.Output[0]}_w", context);
            }
            else
            {
                behind.Add(Node("Mul", ["", factor], ""));
            }
        }
        for (int slot = 0; slot < 2; slot++)
        {
            // What has one dimension is no matrix: the runtime leaves it as it is.
            if (transposed[slot] && ranks[slot] is int rank and >= 2)
            {
                long[] order = [.. Enumerable.Range(0, rank - 2), rank - 1, rank - 2];
                node.Input[slot] = FusedOperators.Before(
                    "Transpose", [node.Input[slot]], $"{node.Output[0]}_t{slot}", context, Attribute("perm", order));
            }
        }
        node.Attribute.Clear();
        Follow(node, "MatMul", behind, context);
        return true;
    }

    /// <summary>Makes a node another operator, and puts a chain behind it that ends in its output.</summary>
    private static void Follow(NodeProto node, string op, IReadOnlyList<NodeProto> behind, UpgradeContext context)
    {
        node.OpType = op;
        var output = node.Output[0];
        var made = node;
        foreach (var next in behind)
        {
            made.Output[0] = context.Fresh($"{output}_{made.OpType.ToLowerInvariant()}");
            next.Input[0] = made.Output[0];
            next.Output[0] = output;
            context.After(next);
            made = next;
        }
    }

    private static AttributeProto Number(string name, float value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };
}
