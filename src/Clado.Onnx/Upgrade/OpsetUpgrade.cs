namespace Clado.Onnx.Upgrade;

/// <summary>Raises a model to the opset that has 2-bit types (25), or to an older one for older runtimes, operator by operator.</summary>
internal static class OpsetUpgrade
{
    /// <summary>The opset every model is raised to, unless another is wanted: the first with INT2.</summary>
    public const int TargetOpset = 25;

    /// <summary>
    /// The opset for older runtimes. No operator's meaning changed from here to <see cref="TargetOpset"/>, so the same rules lead to both.
    /// </summary>
    public const int EarlierOpset = 21;

    // Opset 22 gave them more types, and ONNX Runtime 1.31 has no kernel for the new version.
    private static readonly string[] WithoutLaterKernel = ["MaxRoiPool", "RoiAlign"];

    /// <summary>The oldest opset that can be raised.</summary>
    public const int OldestOpset = 1;

    /// <summary>Raises a model; the given one stays as it is.</summary>
    /// <param name="model">The model, of any opset from 1 to the one wanted.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="opset">The opset wanted: <see cref="TargetOpset"/> or <see cref="EarlierOpset"/>.</param>
    /// <returns>
    /// A model of the same meaning at that opset (the earlier one, where ONNX Runtime has a kernel for an operator of the model only there)
    /// and the IR version that goes with it. Its initializers are not listed among the inputs.
    /// </returns>
    /// <exception cref="OnnxFormatException">The model's opset is out of range, or the way of an operator is not known.</exception>
    public static ModelProto Apply(ModelProto model, string file, int opset = TargetOpset)
    {
        if (opset is not (TargetOpset or EarlierOpset))
        {
            throw new ArgumentOutOfRangeException(nameof(opset), opset, $"{TargetOpset} or {EarlierOpset} are wanted.");
        }
        int original = Original(model, file, opset);
        var raised = model.Clone();
        var opsets = FunctionInlining.Apply(raised, file, opset);
        if (original <= EarlierOpset && GraphWalk.AtEveryDepth(raised.Graph.Node).Any(node => WithoutLaterKernel.Any(node.Is)))
        {
            opset = EarlierOpset;
        }
        raised.IrVersion = opset == TargetOpset ? 13 : 10;
        raised.OpsetImport.First(o => o.Domain is "" or "ai.onnx").Version = opset;
        LooseForms.Settle(raised, file);

        var initializers = raised.Graph.Initializer.Select(t => t.Name).ToHashSet();
        foreach (var input in raised.Graph.Input.Where(v => initializers.Contains(v.Name)).ToArray())
        {
            raised.Graph.Input.Remove(input);
        }

        Raise(raised.Graph, new UpgradeContext(file, original, raised.Graph, opsets));
        return raised;
    }

    /// <summary>The opset the model is of, where there is a way from it to the one wanted.</summary>
    private static int Original(ModelProto model, string file, int opset)
    {
        long version = model.OpsetImport.FirstOrDefault(o => o.Domain is "" or "ai.onnx")?.Version
            ?? throw new OnnxFormatException(
                file, "imports no standard opset; only models made of standard ONNX operators can be quantized");
        if (version is < OldestOpset or > TargetOpset)
        {
            throw new OnnxFormatException(
                file, $"is of opset {version}; opsets {OldestOpset} to {TargetOpset} are understood. Export it with another opset_version");
        }
        if (version > opset)
        {
            throw new OnnxFormatException(
                file,
                $"is of opset {version}, later than the {opset} that is wanted of the quantized file; "
                    + $"export it with opset_version {opset} or earlier, or have a file of opset {TargetOpset} written");
        }
        return (int)version;
    }

    private static void Raise(GraphProto graph, UpgradeContext context)
    {
        var nodes = graph.Node.ToArray();
        graph.Node.Clear();
        foreach (var node in nodes)
        {
            if (node.IsStandard())
            {
                Raise(node, context);
            }
            else
            {
                FusedOperators.Separate(node, context);
            }
            foreach (var body in GraphWalk.Bodies(node))
            {
                Raise(body, context.Inside(body));
            }
            graph.Node.Add(context.TakeBefore());
            graph.Node.Add(node);
            graph.Node.Add(context.TakeAfter());
        }
    }

    /// <summary>Rules take for granted the inputs and outputs an operator must have; a file may lack them.</summary>
    private static void Raise(NodeProto node, UpgradeContext context)
    {
        context.TurnTo(node);
        context.CheckMeaning(node);
        try
        {
            context.Rule(node)(node, context);
        }
        catch (ArgumentOutOfRangeException e)
        {
            var problem = $"has fewer inputs or outputs than {node.OpType} needs; export the model again";
            throw new OnnxFormatException(context.File, problem, node.DisplayName(), inner: e);
        }
    }
}
