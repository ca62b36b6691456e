using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>Where a network's answer is read.</summary>
/// <param name="Outputs">Names of the float tensors to read. Shape: [outputs].</param>
/// <param name="ElementCounts">Elements an image of each. Shape: [outputs].</param>
/// <param name="IsClassifier">Whether the one output is a distribution over classes, read as logits.</param>
internal sealed record Readout(IReadOnlyList<string> Outputs, IReadOnlyList<int> ElementCounts, bool IsClassifier)
{
    /// <summary>What the network is for.</summary>
    public NetworkTask Task => IsClassifier ? NetworkTask.Classify : NetworkTask.Regress;

    /// <summary>Elements an image of all outputs together.</summary>
    public int ElementCount => ElementCounts.Sum();

    /// <summary>
    /// Finds where to read. A network with one output [batch, classes] is a classifier; where that output is a Softmax, its input is read,
    /// since losses are defined on logits. Outputs that are no floats, such as indices of classes, follow from floats and are not read.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <exception cref="OnnxFormatException">No output is float.</exception>
    public static Readout Of(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        string[] outputs = [.. graph.Outputs.Where(o => graph.Tensors.TryGetValue(o, out var info) && info.Type == DataType.Float)];
        if (outputs.Length == 0)
        {
            throw new OnnxFormatException(
                graph.File,
                $"none of its outputs ({string.Join(", ", graph.Outputs)}) is a float tensor that is computed; "
                    + "export the model with its logits or boxes as an output");
        }
        bool classifier = outputs.Length == 1
            && graph.Tensors[outputs[0]] is { Shape: [1, > 1] } info && info.Batched[0] == graph.HasFreeBatch;
        if (classifier && graph.Producer(outputs[0]) is >= 0 and var producer && graph.Nodes[producer] is var node
            && node.Is("Softmax") && node.Integer("axis", -1) is -1 or 1)
        {
            outputs = [node.Operand(0)];
        }
        return new Readout(outputs, [.. outputs.Select(o => checked((int)graph.Tensors[o].ElementCount))], classifier);
    }
}
