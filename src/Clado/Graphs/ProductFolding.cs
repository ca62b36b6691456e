using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Brings products with a constant into their plain form: the factors of a Gemm go into its weight and bias, and a matrix that is stored as
/// a batch of one is a matrix.
/// </summary>
internal sealed class ProductFolding
{
    private readonly GraphProto graph;
    private readonly string file;
    private readonly Dictionary<string, TensorProto> constants;
    private readonly ILookup<string, NodeProto> readers;

    private ProductFolding(GraphProto graph, string file)
    {
        (this.graph, this.file) = (graph, file);
        constants = graph.Initializer.Where(t => (DataType)t.DataType == DataType.Float).ToDictionary(t => t.Name);
        readers = graph.Node.SelectMany(node => GraphWalk.Reads(node).Select(name => (name, node))).ToLookup(p => p.name, p => p.node);
    }

    /// <summary>Folds in place.</summary>
    /// <param name="graph">Nodes in topological order, constants resolved.</param>
    /// <param name="file">Path that errors name.</param>
    public static void Factors(GraphProto graph, string file)
    {
        var folding = new ProductFolding(graph, file);
        foreach (var gemm in graph.Node.Where(node => node.Is("Gemm")))
        {
            folding.Factor(gemm, "alpha", 1);
            folding.Factor(gemm, "beta", 2);
        }
    }

    /// <summary>Makes matrices of batches of one, where the products keep their shapes.</summary>
    /// <param name="graph">As above.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="rank">Number of dimensions of an activation; null for what is none.</param>
    public static void BatchesOfOne(GraphProto graph, string file, Func<string, int?> rank)
    {
        var folding = new ProductFolding(graph, file);
        foreach (var weight in folding.constants.Values.Where(t => t.Dims.Count > 2 && t.Dims.SkipLast(2).All(d => d == 1)))
        {
            // A shorter activation gets its leading dimensions from the batch.
            bool IsPlain(NodeProto node) => node.Is("MatMul") && GraphWalk.Reads(node).Count(name => name == weight.Name) == 1
                && node.Operands().Any(name => name != weight.Name && rank(name) >= weight.Dims.Count);
            if (folding.readers[weight.Name].All(IsPlain) && graph.Output.All(output => output.Name != weight.Name))
            {
                long[] matrix = [.. weight.Dims.TakeLast(2)];
                weight.Dims.Clear();
                weight.Dims.Add(matrix);
            }
        }
    }

    private void Factor(NodeProto gemm, string name, int slot)
    {
        if (gemm.Find(name) is not { F: not 1 } factor)
        {
            return;
        }
        if (gemm.Operand(slot).Length == 0)
        {
            gemm.Attribute.Remove(factor);
            return;
        }
        bool isOwn = constants.TryGetValue(gemm.Operand(slot), out var constant)
            && readers[constant.Name].Count() == 1 && graph.Output.All(output => output.Name != constant.Name);
        float[] scaled = isOwn ? [.. TensorData.ReadSingles(file, constant!).Select(value => value * factor.F)] : [];
        if (isOwn && scaled.All(float.IsFinite))
        {
            TensorData.Overwrite(constant!, scaled);
            gemm.Attribute.Remove(factor);
        }
    }
}
