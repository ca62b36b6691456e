using System.Runtime.InteropServices;
using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Activations;

/// <summary>
/// Writes biases as 32-bit integers on the grid of their node's sums. A function of the model makes them float again, which ONNX Runtime
/// fuses into the node's integer kernel.
/// </summary>
internal static class IntegerBiasInsertion
{
    // In the file.
    private const string FunctionName = "B";

    /// <summary>Replaces the biases of integer nodes; those that nobody reads any more are removed.</summary>
    /// <param name="model">A copy of the network, its nodes where the graph has them; it is changed.</param>
    /// <param name="plan">What computes in integers.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <param name="codes">Codes of a node's bias. Shape of the result: [channels].</param>
    /// <returns>The calls that make the biases float. Shape: [biases].</returns>
    public static IReadOnlyList<NodeProto> Into(ModelProto model, ActivationPlan plan, TensorNames names, Func<IntegerNode, int[]> codes)
    {
        IntegerNode[] biased = [.. plan.Nodes.Where(n => n.Bias is not null)];
        NodeProto[] calls = [.. biased.Select(node => Replace(model, node, names, codes(node)))];
        RemoveUnread(model.Graph, [.. biased.Select(node => node.Bias!)]);
        if (biased.Length > 0)
        {
            LocalFunctions.Add(model, [Function(model.Opset())]);
        }
        return calls;
    }

    private static NodeProto Replace(ModelProto model, IntegerNode node, TensorNames names, int[] codes)
    {
        var (integers, floats) = (names.Of(TensorRole.IntegerBias, node.Node), names.Of(TensorRole.FloatBias, node.Node));
        model.Graph.Node[node.Node].SetOperand(2, floats);
        model.Graph.Initializer.Add(TensorData.Create(integers, DataType.Int32, MemoryMarshal.AsBytes(codes.AsSpan()), codes.Length));
        string[] scales =
        [
            node.InputScale ?? names.Of(TensorRole.RangeScale, node.InputRange), names.Of(TensorRole.WeightScales, node.Layer.Index),
        ];
        return LocalFunctions.Call(FunctionName, [integers, .. scales], floats);
    }

    private static void RemoveUnread(GraphProto graph, HashSet<string> biases)
    {
        var read = graph.Node.SelectMany(GraphWalk.Reads).ToHashSet();
        foreach (var tensor in graph.Initializer.Where(t => biases.Contains(t.Name) && !read.Contains(t.Name)).ToArray())
        {
            graph.Initializer.Remove(tensor);
        }
    }

    /// <summary>bias = codes · (scale of the input · scale of the channel).</summary>
    private static FunctionProto Function(int opset)
    {
        const string Codes = "b", InputScale = "x", ChannelScales = "s", Steps = "m", Bias = "y";
        var function = LocalFunctions.Create(FunctionName, [Codes, InputScale, ChannelScales], Bias, opset);
        function.Node.Add(Node("Mul", [InputScale, ChannelScales], Steps));
        function.Node.Add(Node("DequantizeLinear", [Codes, Steps], Bias, Attribute("axis", 0)));
        return function;
    }
}
