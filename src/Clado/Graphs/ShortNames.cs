using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>
/// Short names for what lies inside a network, which a file pays for at every use. Names that somebody outside may ask for stay: those of
/// inputs and outputs, of tensors that the answer is read at, and whatever bodies define.
/// </summary>
internal static class ShortNames
{
    // Names that Clado gives to what it adds begin with a small letter or an underscore (TensorNames): these do not.
    private const string First = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private const string Next = "abcdefghijklmnopqrstuvwxyz" + First;

    /// <summary>Finds them: the tensors that are read most often have the shortest.</summary>
    /// <param name="graph">The network.</param>
    /// <returns>New names by the old ones.</returns>
    public static IReadOnlyDictionary<string, string> Of(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var kept = Kept(graph);
        string[] inner =
        [
            .. graph.Initializers.Keys.Order(StringComparer.Ordinal).Concat(graph.Nodes.SelectMany(node => node.Output))
                .Where(name => name.Length > 0 && !kept.Contains(name)).Distinct(),
        ];
        var names = All().Where(name => !kept.Contains(name));
        return inner.OrderByDescending(name => graph.Consumers(name).Count).Zip(names).ToDictionary(p => p.First, p => p.Second);
    }

    /// <summary>Gives a model these names, and takes away those of its nodes, which only people read.</summary>
    /// <param name="model">The model; changed in place.</param>
    /// <param name="names">New names by the old ones; empty to leave the model as it is.</param>
    public static void Apply(ModelProto model, IReadOnlyDictionary<string, string> names)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (names.Count == 0)
        {
            return;
        }
        foreach (var node in model.Graph.Node)
        {
            GraphWalk.Rename(node, names);
            for (int i = 0; i < node.Output.Count; i++)
            {
                node.Output[i] = names.GetValueOrDefault(node.Output[i], node.Output[i]);
            }
        }
        foreach (var tensor in model.Graph.Initializer.Concat(model.Graph.SparseInitializer.Select(sparse => sparse.Values)))
        {
            tensor.Name = names.GetValueOrDefault(tensor.Name, tensor.Name);
        }
        foreach (var node in GraphWalk.AtEveryDepth(model.Graph.Node.Concat(model.Functions.SelectMany(function => function.Node))))
        {
            node.ClearName();
        }
    }

    private static HashSet<string> Kept(Graph graph)
    {
        var selectors = graph.Nodes.Where(node => node.Is("NonMaxSuppression")).SelectMany(node => node.Operands());
        return
        [
            .. graph.Model.Graph.Input.Select(input => input.Name), .. graph.Outputs, .. selectors,
            .. Answers.Find(graph) is null ? [] : Readout.Of(graph).Outputs,
            .. GraphWalk.NamesInBodies(graph.Model.Graph),
        ];
    }

    /// <summary>A, B, …, 9, Aa, Ab, … and so on.</summary>
    private static IEnumerable<string> All()
    {
        IEnumerable<string> last = First.Select(letter => $"{letter}");
        while (true)
        {
            string[] own = [.. last];
            foreach (var name in own)
            {
                yield return name;
            }
            last = own.SelectMany(_ => Next, (name, letter) => name + letter);
        }
    }
}
