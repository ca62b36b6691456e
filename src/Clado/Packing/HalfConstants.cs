using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// Constants that are written as floats of 16 bits: biases, and what is added to or multiplied with activations on their way to a layer.
/// The searched network computes with the rounded values, so nothing is rounded behind it.
/// </summary>
internal static class HalfConstants
{
    // Below it in a vector, and in any other tensor, what makes floats of halves takes what it saves.
    private const int LeastVector = 4;
    private const int LeastTensor = 32;

    // A tensor whose largest value is below it would lose digits to the least exponent of 16 bits.
    private const float LeastMagnitude = 1f / 1024;

    // What reads a constant as numbers. Others (Resize, Pad) want to know it when shapes are found.
    private static readonly HashSet<string> Readers =
    [
        "Add", "BatchNormalization", "Concat", "Conv", "ConvTranspose", "Div", "Gemm", "InstanceNormalization", "LayerNormalization",
        "MatMul", "Mul", "PRelu", "RMSNormalization", "Sub",
    ];

    /// <summary>The network with these constants rounded to 16 bits, as far as they have the range for it.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    public static Graph Rounded(Graph graph, IReadOnlyList<QuantizableLayer> layers) =>
        graph.With(Eligible(graph, layers).Select(name => graph.Initializers[name])
            .Select(tensor => (Tensor: tensor, Values: TensorData.ReadSingles(graph.File, tensor))).Where(p => HaveRange(p.Values))
            .Select(p => TensorData.Singles(p.Tensor.Name, Array.ConvertAll(p.Values, Rounded), [.. p.Tensor.Dims])));

    /// <summary>A number rounded to 16 bits; what is beyond them becomes the largest.</summary>
    public static float Rounded(float value) => (float)(Half)Math.Clamp(value, (float)Half.MinValue, (float)Half.MaxValue);

    /// <summary>Names of the constants that a file of the network has as 16 bits: those whose values are all of 16 bits.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    public static IReadOnlySet<string> Of(Graph graph, IReadOnlyList<QuantizableLayer> layers) =>
        Eligible(graph, layers).Where(name => AreHalf(graph, name)).ToHashSet();

    /// <summary>Whether a bias is written as 16 bits, so that what takes its place must be, too.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="bias">Name of a layer's bias.</param>
    public static bool IsHalfBias(Graph graph, string bias) => IsLargeEnough(graph.Initializers[bias]) && AreHalf(graph, bias);

    private static bool AreHalf(Graph graph, string name) => Hold(TensorData.ReadSingles(graph.File, graph.Initializers[name]));

    /// <summary>Whether all numbers are of 16 bits.</summary>
    public static bool Hold(float[] values) => Array.TrueForAll(values, value => (float)(Half)value == value);

    private static IEnumerable<string> Eligible(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(layers);
        var behind = graph.Walk.Behind(layers.SelectMany(layer => layer.Nodes).SelectMany(node => graph.Nodes[node].Output),
            new HashSet<string>()).ToHashSet();
        var biases = layers.Select(layer => layer.Bias).OfType<string>().ToHashSet();
        HashSet<string> others =
            [.. layers.Select(layer => layer.Weight), .. graph.Outputs, .. GraphWalk.NamesInBodies(graph.Model.Graph)];
        bool IsEligible(TensorProto tensor) =>
            (DataType)tensor.DataType == DataType.Float && IsLargeEnough(tensor) && !others.Contains(tensor.Name)
            && graph.Consumers(tensor.Name) is { Count: > 0 } readers
            && readers.All(node => graph.Nodes[node].IsStandard() && Readers.Contains(graph.Nodes[node].OpType))
            && (biases.Contains(tensor.Name) || readers.All(behind.Contains));
        return graph.Model.Graph.Initializer.Where(IsEligible).Select(tensor => tensor.Name);
    }

    private static bool IsLargeEnough(TensorProto tensor) =>
        tensor.Dims.Aggregate(1L, (product, dim) => product * dim) >= (tensor.Dims.Count == 1 ? LeastVector : LeastTensor);

    private static bool HaveRange(float[] values)
    {
        float largest = values.Max(Math.Abs);
        return largest >= LeastMagnitude && largest <= (float)Half.MaxValue;
    }
}
