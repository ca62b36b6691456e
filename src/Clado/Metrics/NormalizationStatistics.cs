using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Metrics;

/// <summary>
/// What a normalization of a network's file says of the images it was trained on: mean and deviation of its output's channels.
/// </summary>
/// <param name="Tensor">Name of the output.</param>
/// <param name="Means">Its bias. Shape: [channels].</param>
/// <param name="Deviations">The size of its scale. Shape: [channels].</param>
internal sealed record NormalizationStatistics(string Tensor, float[] Means, float[] Deviations)
{
    /// <summary>
    /// Those of a network's file, as far as the tensors are still there. Files whose normalizations were folded when they were exported
    /// have none.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <returns>Shape: [normalizations].</returns>
    public static IReadOnlyList<NormalizationStatistics> Of(Graph graph)
    {
        if (!File.Exists(graph.File))
        {
            return [];
        }
        var model = OnnxFile.Read(graph.File);
        var constants = model.Graph.Initializer.ToDictionary(tensor => tensor.Name);
        float[]? Values(string name) => constants.TryGetValue(name, out var tensor) && (DataType)tensor.DataType == DataType.Float
            ? TensorData.ReadSingles(graph.File, tensor) : null;
        return
        [
            .. model.Graph.Node.Where(node => node.Is("BatchNormalization") && node.Operands().Count == 5)
                .Select(node => (Name: node.Output[0], Scale: Values(node.Operand(1)), Bias: Values(node.Operand(2))))
                .Where(own => own is { Scale: not null, Bias: not null } && graph.Producer(own.Name) >= 0 && IsMap(graph, own.Name))
                .Select(own => new NormalizationStatistics(own.Name, own.Bias!, [.. own.Scale!.Select(Math.Abs)])),
        ];
    }

    private static bool IsMap(Graph graph, string tensor) =>
        graph.Tensors.TryGetValue(tensor, out var info) && info.Shape.Count == 4 && info.Type == DataType.Float;
}
