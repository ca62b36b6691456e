using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.AttributeProto.Types;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// Builds the function that puts rows in their order: codes group by group, the group of every row and the scales in, float weight out.
/// Sorted by group, rows lie as they do in the groups one after the other (TopK takes equals in their order). The place of each row in
/// that order is the same of the order itself. All but DequantizeLinear is folded at load, so a weight runs as one of 8 bits does.
/// </summary>
internal static class JoiningFunction
{
    private const string Codes = "c";
    private const string Groups = "g";
    private const string Scales = "s";
    private const string Weight = "w";

    /// <summary>The function.</summary>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    public static FunctionProto Build(int opset)
    {
        var name = UnpackingFunctions.Name(0, Unpacking.Joining);
        var function = LocalFunctions.Create(name, [Codes, Groups, Scales], Weight, opset);
        UnpackingFunctions.TakeAxis(function);
        void Add(string op, string[] inputs, string output, params ReadOnlySpan<AttributeProto> attributes) =>
            function.Node.Add(Node(op, inputs, output, attributes));
        void Sort(string values, string order)
        {
            var node = Node("TopK", [values, "n"], order + "v", Attribute("largest", 0));
            node.Output.Add(order);
            function.Node.Add(node);
        }

        var axis = new AttributeProto { Name = "axis", RefAttrName = UnpackingFunctions.AxisAttribute, Type = AttributeType.Int };
        var zero = new AttributeProto { Name = "value", Type = AttributeType.Tensor, T = TensorData.Create("", DataType.Int8, [0], 1) };
        zero.T.ClearName();
        Add("Cast", [Groups], "i", Attribute("to", (long)DataType.Int32));
        Add("Shape", [Scales], "n");
        Sort("i", "o");
        Sort("o", "p");
        Add("Gather", [Codes, "p"], "q", axis.Clone());
        Add("ConstantOfShape", ["n"], "e", zero);
        Add("DequantizeLinear", ["q", Scales, "e"], Weight, axis);
        return function;
    }
}
