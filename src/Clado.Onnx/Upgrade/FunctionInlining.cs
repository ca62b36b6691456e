using static System.FormattableString;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// Puts the nodes of a model's own functions where they are called, as ONNX Runtime does at load, so that layers in them are layers like
/// others. Functions without layers stay; in a model that computes in another precision than float none does.
/// </summary>
internal sealed class FunctionInlining
{
    /// <summary>Domain of the functions that written files have: they unpack codes, and stay.</summary>
    public const string OwnDomain = "clado";

    // Operators with weights that are worth quantizing, of the standard and of ONNX Runtime's own.
    private static readonly string[] Layers =
    [
        "Attention", "Conv", "ConvTranspose", "Einsum", "FusedConv", "FusedGemm", "FusedMatMul", "GRU", "Gemm", "LSTM", "MatMul", "RNN",
        "TransposeMatMul",
    ];

    // Functions that call each other twice are twice as many nodes each: a file of a few kilobytes can ask for any number.
    private const int MaximumNodes = 1 << 18;

    private readonly ModelProto model;
    private readonly string file;
    private readonly int latest;
    private readonly Dictionary<(string Domain, string Name, string Overload), FunctionProto> functions;
    private readonly HashSet<FunctionProto> inlined = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<FunctionProto, Dictionary<string, string>> constants = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<NodeProto, int> opsets = new(ReferenceEqualityComparer.Instance);
    private readonly ISet<string> names;
    private readonly Dictionary<string, int> numbers = [];
    private int nodeCount;

    private FunctionInlining(ModelProto model, string file, int latest)
    {
        (this.model, this.file, this.latest, names) = (model, file, latest, GraphWalk.Names(model.Graph));
        functions = model.Functions.Where(f => f.Domain is not ("" or "ai.onnx" or OwnDomain))
            .DistinctBy(f => (f.Domain, f.Name, f.Overload)).ToDictionary(f => (f.Domain, f.Name, f.Overload));
    }

    /// <summary>Inlines in place.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="latest">The latest opset that a function may be of.</param>
    /// <returns>Opsets of the nodes that came from functions of another opset than the model's.</returns>
    /// <exception cref="OnnxFormatException">A function calls itself, or is of a later opset than can be raised.</exception>
    public static IReadOnlyDictionary<NodeProto, int> Apply(ModelProto model, string file, int latest)
    {
        var inlining = new FunctionInlining(model, file, latest);
        if (inlining.functions.Count > 0)
        {
            inlining.Apply();
        }
        return inlining.opsets;
    }

    private void Apply()
    {
        inlined.UnionWith(FloatTypes.AreOthersIn(model) ? functions.Values : WithLayers());
        Expand(model.Graph, []);
        foreach (var function in inlined)
        {
            model.Functions.Remove(function);
        }
        var used = model.Functions.SelectMany(f => f.Node).Concat(model.Graph.Node);
        var domains = GraphWalk.AtEveryDepth(used).Select(node => node.Domain).ToHashSet();
        var unused = inlined.Select(f => f.Domain).Except(domains).ToHashSet();
        foreach (var import in model.OpsetImport.Where(o => unused.Contains(o.Domain)).ToArray())
        {
            model.OpsetImport.Remove(import);
        }
    }

    /// <summary>The functions that have layers, or call one that has.</summary>
    private HashSet<FunctionProto> WithLayers()
    {
        var found = new HashSet<FunctionProto>(ReferenceEqualityComparer.Instance);
        bool HasLayers(FunctionProto function) => GraphWalk.AtEveryDepth(function.Node).Any(
            node => Function(node) is { } called ? found.Contains(called) : Layers.Contains(node.OpType));
        while (functions.Values.Where(function => !found.Contains(function) && HasLayers(function)).ToArray() is { Length: > 0 } more)
        {
            found.UnionWith(more);
        }
        return found;
    }

    private FunctionProto? Function(NodeProto node) => functions.GetValueOrDefault((node.Domain, node.OpType, node.Overload));

    /// <summary>Puts the nodes of functions where a graph, or a body in it, calls them.</summary>
    private void Expand(GraphProto graph, IReadOnlyList<FunctionProto> callers)
    {
        var nodes = graph.Node.ToArray();
        graph.Node.Clear();
        graph.Node.Add(nodes.SelectMany(node => Expand(node, callers)));
    }

    private NodeProto[] Expand(NodeProto node, IReadOnlyList<FunctionProto> callers)
    {
        if (Function(node) is not { } function || !inlined.Contains(function))
        {
            foreach (var body in GraphWalk.Bodies(node))
            {
                Expand(body, callers);
            }
            return [node];
        }
        if (callers.Contains(function))
        {
            throw new OnnxFormatException(
                file, $"the function {function.Domain}.{function.Name} calls itself; export the model again", node.DisplayName());
        }
        var call = new FunctionCall(function, node, Constants(function), Fresh);
        int opset = Opset(function, node);
        var instance = call.Nodes();
        nodeCount += instance.Length;
        if (nodeCount > MaximumNodes)
        {
            throw new OnnxFormatException(
                file, Invariant($"its functions stand for more than {MaximumNodes:N0} nodes, which no vision model has; export it again"));
        }
        foreach (var inner in GraphWalk.AtEveryDepth(instance).Where(inner => opset != model.Opset() && inner.IsStandard()))
        {
            opsets[inner] = opset;
        }
        return [.. instance.SelectMany(inner => Expand(inner, [.. callers, function]))];
    }

    /// <summary>The opset of a function's nodes. Imports of other domains become the model's.</summary>
    private int Opset(FunctionProto function, NodeProto call)
    {
        foreach (var import in function.OpsetImport.Where(own => own.Domain is not ("" or "ai.onnx")
            && functions.Keys.All(key => key.Domain != own.Domain) && model.OpsetImport.All(o => o.Domain != own.Domain)))
        {
            model.OpsetImport.Add(import.Clone());
        }
        long opset = function.OpsetImport.FirstOrDefault(o => o.Domain is "" or "ai.onnx")?.Version ?? model.Opset();
        return opset >= OpsetUpgrade.OldestOpset && opset <= latest
            ? (int)opset
            : throw new OnnxFormatException(
                file,
                $"calls the function {function.Domain}.{function.Name} of opset {opset}; opsets {OpsetUpgrade.OldestOpset} to "
                    + $"{latest} are understood. Export the model with another opset_version",
                call.DisplayName());
    }

    /// <summary>
    /// Constants of a function that are the same in every call become the model's own, once however often it is called. Names by those in
    /// the function.
    /// </summary>
    private Dictionary<string, string> Constants(FunctionProto function)
    {
        if (constants.TryGetValue(function, out var known))
        {
            return known;
        }
        var found = new Dictionary<string, string>();
        foreach (var node in function.Node.Where(n => n.Is("Constant") && n.Output.Count == 1 && !function.Output.Contains(n.Output[0])))
        {
            if (node.Attribute is [{ Name: "value", RefAttrName: "", T: { } value }])
            {
                var tensor = value.Clone();
                tensor.Name = Fresh(node.Output[0]);
                model.Graph.Initializer.Add(tensor);
                found.Add(node.Output[0], tensor.Name);
            }
        }
        constants.Add(function, found);
        return found;
    }

    private string Fresh(string hint)
    {
        var name = hint;
        while (!names.Add(name))
        {
            // From the last number on: a function that is called a thousand times asks for each of its names as often.
            int number = numbers[hint] = numbers.GetValueOrDefault(hint) + 1;
            name = $"{hint}_{number}";
        }
        return name;
    }
}
