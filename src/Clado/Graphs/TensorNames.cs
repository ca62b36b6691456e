using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>Names for the tensors Clado adds to a graph: short, since the file pays for them, and used by nothing else in it.</summary>
internal sealed class TensorNames
{
    private readonly string prefix = "";
    private readonly IReadOnlyDictionary<string, string> inFile;

    /// <summary>Finds names that the graph does not use.</summary>
    /// <param name="graph">The network.</param>
    public TensorNames(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        inFile = graph.NamesInFile;
        var taken = GraphWalk.Names(graph.Model.Graph);
        while (taken.Any(name => IsOurs(name.AsSpan())))
        {
            prefix += "_";
        }
    }

    /// <summary>Name of the tensor in a role.</summary>
    /// <param name="role">What the tensor is for, see <see cref="TensorRole"/>.</param>
    /// <param name="index">Index of the layer, node or range it belongs to.</param>
    public string Of(char role, int index) => $"{prefix}{role}{index}";

    /// <summary>What a tensor of the graph is called in the file.</summary>
    /// <param name="tensor">Name of the tensor.</param>
    public string InFile(string tensor) => inFile.GetValueOrDefault(tensor, tensor);

    private bool IsOurs(ReadOnlySpan<char> name) =>
        name.StartsWith(prefix) && name.Length > prefix.Length + 1 && !name[(prefix.Length + 1)..].ContainsAnyExceptInRange('0', '9');
}
