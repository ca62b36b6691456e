using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Activations;

/// <summary>
/// Makes biases 32-bit integers on the grid of their node's sums. The file has them as floats: a function of the model rounds them, which
/// is folded at load, and ONNX Runtime takes the integers into the node's kernel.
/// </summary>
internal static class IntegerBiasInsertion
{
    // In the file.
    private const string FunctionName = "B";

    /// <summary>Puts the biases of integer nodes on their grids.</summary>
    /// <param name="model">A copy of the network, its nodes where the graph has them; it is changed.</param>
    /// <param name="plan">What computes in integers.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <returns>The calls that round them. Shape: [biases].</returns>
    public static IReadOnlyList<NodeProto> Into(ModelProto model, ActivationPlan plan, TensorNames names)
    {
        NodeProto[] calls = [.. plan.Nodes.Where(n => n.Bias is not null).Select(node => Replace(model, node, names))];
        if (calls.Length > 0)
        {
            LocalFunctions.Add(model, [Function(model.Opset())]);
        }
        return calls;
    }

    private static NodeProto Replace(ModelProto model, IntegerNode node, TensorNames names)
    {
        var rounded = names.Of(TensorRole.FloatBias, node.Node);
        model.Graph.Node[node.Node].SetOperand(2, rounded);
        string[] inputs =
        [
            node.Bias!, node.InputScale ?? names.Of(TensorRole.RangeScale, node.InputRange),
            names.Of(TensorRole.WeightScales, node.Layer.Index),
        ];
        return LocalFunctions.Call(FunctionName, inputs, rounded);
    }

    /// <summary>codes = round(bias / (scale of the input · scale of the channel)), halves to even.</summary>
    private static FunctionProto Function(int opset)
    {
        const string Bias = "b", InputScale = "x", ChannelScales = "s", Steps = "m", Rounded = "y";
        var function = LocalFunctions.Create(FunctionName, [Bias, InputScale, ChannelScales], Rounded, opset);
        function.Node.Add(Node("Mul", [InputScale, ChannelScales], Steps));
        function.Node.Add(Node("Div", [Bias, Steps], "d"));
        function.Node.Add(Node("Round", ["d"], "r"));
        function.Node.Add(Node("Cast", ["r"], "i", Attribute("to", (long)DataType.Int32)));
        function.Node.Add(Node("DequantizeLinear", ["i", Steps], Rounded, Attribute("axis", 0)));
        return function;
    }
}
