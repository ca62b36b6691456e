namespace Clado.Onnx.Upgrade;

/// <summary>Rewrites one node in place.</summary>
internal delegate void UpgradeRule(NodeProto node, UpgradeContext context);

/// <summary>What a rule may need beside its node: the opset it comes from, room for new constants and nodes, and located errors.</summary>
internal sealed class UpgradeContext
{
    // Operators that kept their form and got another meaning, and the opset that gave it to them.
    private static readonly Dictionary<string, int> ChangedMeaning =
        new() { ["GroupNormalization"] = 21, ["Hardmax"] = 13, ["LogSoftmax"] = 13, ["Softmax"] = 13 };

    private readonly GraphProto graph;
    private readonly UpgradeContext? outer;
    private readonly ISet<string> names;
    private readonly ISet<string> read;
    private readonly IReadOnlyDictionary<NodeProto, int> opsets;
    private readonly int modelOpset;
    private readonly List<NodeProto> before = [];
    private readonly List<NodeProto> after = [];

    /// <summary>A context for a graph.</summary>
    /// <param name="file">Path that errors name.</param>
    /// <param name="opset">The opset the model was written for.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="opsets">Nodes that were written for another opset.</param>
    public UpgradeContext(string file, int opset, GraphProto graph, IReadOnlyDictionary<NodeProto, int> opsets)
    {
        (File, Opset, modelOpset, this.graph, this.opsets) = (file, opset, opset, graph, opsets);
        (names, read) = (GraphWalk.Names(graph), GraphWalk.NamesRead(graph).ToHashSet());
    }

    // Names are unique across bodies: what is made in one, or around it, hides nothing of another.
    private UpgradeContext(UpgradeContext outer, GraphProto body)
    {
        (File, Opset, modelOpset, graph, opsets) = (outer.File, outer.modelOpset, outer.modelOpset, body, outer.opsets);
        (names, read, this.outer) = (outer.names, outer.read, outer);
    }

    public string File { get; }

    /// <summary>The opset the node at hand was written for: the model's, but for nodes of functions that have their own.</summary>
    public int Opset { get; private set; }

    /// <summary>Turns to a node.</summary>
    public void TurnTo(NodeProto node) => Opset = opsets.GetValueOrDefault(node, modelOpset);

    /// <summary>
    /// Refuses a node of a function of another opset, where the model's gives it another meaning: the runtime takes the model's, ONNX wants
    /// functions to agree with it.
    /// </summary>
    public void CheckMeaning(NodeProto node)
    {
        if (ChangedMeaning.TryGetValue(node.OpType, out int since) && (Opset < since) != (modelOpset < since))
        {
            throw Error(
                node,
                $"stands in a function of opset {Opset}, where {node.OpType} is another operator than in opset {modelOpset} of the model; "
                    + "export the model with functions of its own opset");
        }
    }

    /// <summary>The same for the body of a loop or branch; it sees the names around it.</summary>
    public UpgradeContext Inside(GraphProto body) => new(this, body);

    public UpgradeRule Rule(NodeProto node) => UpgradeRules.Find(node.OpType, Opset)
        ?? throw Error(node, $"operator {node.OpType}: its way from opset {Opset} to {OpsetUpgrade.TargetOpset} is not known; "
            + "export the model without it, or already at that opset");

    public OnnxFormatException Error(NodeProto node, string problem) => new(File, problem, node.DisplayName());

    /// <summary>Number of dimensions of a tensor, or null where the file does not say.</summary>
    public int? Rank(string tensor) =>
        graph.ValueInfo.Concat(graph.Output).Concat(graph.Input).FirstOrDefault(v => v.Name == tensor)?.Type?.TensorType?.Shape?.Dim.Count
        ?? graph.Initializer.FirstOrDefault(t => t.Name == tensor)?.Dims.Count ?? outer?.Rank(tensor);

    /// <summary>Whether a node, at any depth, or an output reads a tensor.</summary>
    public bool IsRead(string tensor) => tensor.Length > 0 && read.Contains(tensor);

    /// <summary>Values of a constant float tensor, or null where the file does not say.</summary>
    public float[]? Constant(string tensor)
    {
        var value = graph.Initializer.FirstOrDefault(t => t.Name == tensor)
            ?? graph.Node.FirstOrDefault(n => n.Is("Constant") && n.Output.Contains(tensor))?.Find("value")?.T;
        return value is not null ? TensorData.ReadSingles(File, value) : outer?.Constant(tensor);
    }

    /// <summary>Whether the file gives a tensor's values.</summary>
    public bool IsConstant(string tensor) => graph.Initializer.Any(t => t.Name == tensor)
        || graph.Node.Any(n => n.Is("Constant") && n.Output.Contains(tensor)) || (outer?.IsConstant(tensor) ?? false);

    /// <summary>Adds a one-dimensional int64 constant and gives its name.</summary>
    public string Integers(string hint, params long[] values)
    {
        var name = Fresh(hint);
        graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
        return name;
    }

    /// <summary>Adds an int64 constant, a scalar, and gives its name.</summary>
    public string Integer(string hint, long value)
    {
        var name = Fresh(hint);
        graph.Initializer.Add(TensorData.Integers(name, [value]));
        return name;
    }

    /// <summary>Adds a float constant, a scalar, and gives its name.</summary>
    public string Scalar(string hint, float value)
    {
        var name = Fresh(hint);
        graph.Initializer.Add(TensorData.Singles(name, [value]));
        return name;
    }

    /// <summary>Adds a float constant, one-dimensional where no shape is given, and gives its name.</summary>
    public string Singles(string hint, float[] values, params long[] dims)
    {
        var name = Fresh(hint);
        graph.Initializer.Add(TensorData.Singles(name, values, dims.Length > 0 ? dims : [values.Length]));
        return name;
    }

    public string Fresh(string hint)
    {
        var name = hint;
        for (int i = 1; !names.Add(name); i++)
        {
            name = $"{hint}_{i}";
        }
        return name;
    }

    public void Before(NodeProto node) => before.Add(node);

    public void After(NodeProto node) => after.Add(node);

    public NodeProto[] TakeBefore() => Take(before);

    public NodeProto[] TakeAfter() => Take(after);

    private static NodeProto[] Take(List<NodeProto> list)
    {
        var nodes = list.ToArray();
        list.Clear();
        return nodes;
    }
}
