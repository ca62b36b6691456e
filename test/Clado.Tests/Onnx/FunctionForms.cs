using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Onnx;

/// <summary>Networks whose layers lie in functions, by what is special about them.</summary>
internal static class FunctionForms
{
    /// <summary>Domain of the functions.</summary>
    public const string Mine = "mine";

    /// <summary>Makes the network of a form; it takes x and gives y.</summary>
    public static ModelProto Build(string form)
    {
        var net = new NetworkBuilder(opset: 18, input: [4, 8, 8]);
        var model = net.Model;
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = Mine, Version = 1 });
        foreach (var name in (string[])["w", "v", "u"])
        {
            net.Weight(name, 4, 4, 1, 1);
        }
        net.Weight("bias", 4);
        switch (form)
        {
            case "weights given":
                Add(model, "Block", ["a", "w"], "b", Node("Conv", ["a", "w"], "t"), Node("Relu", ["t"], "b"));
                Chain(net, Call("Block", ["x", "w"], "t"), Call("Block", ["t", "v"], "b"), Node("Conv", ["b", "u"], "y"));
                break;
            case "weight inside":
                var weight = Node("Constant", [], "w", Tensor(model.Graph.Initializer[0]));
                Add(model, "Block", ["a"], "b", weight, Node("Conv", ["a", "w"], "t"), Node("Relu", ["t"], "b"));
                Chain(net, Call("Block", ["x"], "t"), Call("Block", ["t"], "y"));
                break;
            case "nested":
                Add(model, "Inner", ["a", "w"], "b", Node("Conv", ["a", "w"], "t"), Node("Relu", ["t"], "b"));
                Add(model, "Outer", ["a", "w"], "b", Call("Inner", ["a", "w"], "t"), Node("Add", ["t", "a"], "b"));
                Chain(net, Call("Outer", ["x", "w"], "m"), Call("Outer", ["m", "v"], "y"));
                break;
            case "attributes":
                var leaky = Add(model, "Block", ["a", "w"], "b",
                    Node("Conv", ["a", "w"], "t", Reference("pads", "border", AttributeProto.Types.AttributeType.Ints)),
                    Node("LeakyRelu", ["t"], "b", Reference("alpha", "slope", AttributeProto.Types.AttributeType.Float)));
                leaky.Attribute.Add("border");
                leaky.AttributeProto.Add(Slope("slope", 0.3f));
                Chain(
                    net, Call("Block", ["x", "w"], "m", Attribute("border", 1, 1, 1, 1)),
                    Call("Block", ["m", "v"], "y", Slope("slope", 0.7f)));
                break;
            case "absent inputs":
                Add(model, "Block", ["a", "w", "c"], "b", Node("Conv", ["a", "w", "c"], "t"), Node("Relu", ["t"], "b"));
                Chain(net, Call("Block", ["x", "w", "bias"], "m"), Call("Block", ["m", "v"], "y"));
                break;
            case "absent output":
                var two = Add(model, "Block", ["a", "w"], "b", Node("Conv", ["a", "w"], "t"), Node("Relu", ["t"], "b"));
                two.Output.Add("t");
                var absent = Call("Block", ["x", "w"], "y");
                absent.Output.Add("");
                Chain(net, absent);
                break;
            case "names that clash":
                Add(model, "Block", ["x", "v"], "y", Node("Conv", ["x", "v"], "w"), Node("Relu", ["w"], "m"), Node("Add", ["m", "x"], "y"));
                Chain(net, Call("Block", ["x", "w"], "m"), Call("Block", ["m", "v"], "y"));
                break;
            case "another opset":
                // Of it the operators mean what they mean in the model's own.
                Add(model, "Block", ["a", "w"], "b", Node("Conv", ["a", "w"], "t"), Node("LeakyRelu", ["t"], "b", Slope("alpha", 0.2f)))
                    .OpsetImport[0].Version = 16;
                Chain(net, Call("Block", ["x", "w"], "m"), Node("Softmax", ["m"], "y", Attribute("axis", 1)));
                break;
            case "a form of another opset":
                // Until opset 11 the bounds of a Clip were attributes.
                Add(model, "Block", ["a", "w"], "b",
                    Node("Conv", ["a", "w"], "t"), Node("Clip", ["t"], "b", Slope("min", -0.2f), Slope("max", 0.3f)))
                    .OpsetImport[0].Version = 9;
                Chain(net, Call("Block", ["x", "w"], "y"));
                break;
            case "its own form":
                model.Graph.Initializer.Add(TensorData.Singles("least", [-0.2f]));
                model.Graph.Initializer.Add(TensorData.Singles("most", [0.3f]));
                Chain(net, Node("Conv", ["x", "w"], "t"), Node("Clip", ["t", "least", "most"], "y"));
                break;
            case "fused operator":
                var fused = Node("FusedConv", ["a", "w"], "b", Attribute("activation", "Relu"));
                fused.Domain = FusedOperators.Domain;
                Add(model, "Block", ["a", "w"], "b", fused)
                    .OpsetImport.Add(new OperatorSetIdProto { Domain = FusedOperators.Domain, Version = 1 });
                model.OpsetImport.Add(new OperatorSetIdProto { Domain = FusedOperators.Domain, Version = 1 });
                Chain(net, Call("Block", ["x", "w"], "y"));
                break;
            case "overloads":
                Add(model, "Block", ["a", "w"], "b", Node("Conv", ["a", "w"], "b"));
                Add(model, "Block", ["a", "w"], "b", Node("Conv", ["a", "w"], "t"), Node("Neg", ["t"], "b")).Overload = "negative";
                var call = Call("Block", ["m", "v"], "y");
                call.Overload = "negative";
                model.IrVersion = 10;
                Chain(net, Call("Block", ["x", "w"], "m"), call);
                break;
            case "in a body":
                Add(model, "Block", ["a", "w"], "b", Node("Conv", ["a", "w"], "t"), Node("Relu", ["t"], "b"));
                Chain(net, Branch(net, [Call("Block", ["x", "w"], "inner")], "inner", "y"));
                break;
            default:
                var function = Add(model, "Block", ["a", "w", "yes"], "b",
                    Node("Conv", ["a", "w"], "t"), Branch(net, [Node("Neg", ["t"], "inner")], "inner", "b"));
                Chain(net, Call("Block", ["x", "w", "yes"], "m"), Call("Block", ["m", "v", "yes"], "y"));
                break;
        }
        model.IrVersion = Math.Max(model.IrVersion, 8);
        return net.Build("y");
    }

    /// <summary>Adds a function of the model's opset.</summary>
    public static FunctionProto Add(ModelProto model, string name, string[] inputs, string output, params NodeProto[] nodes)
    {
        var function = new FunctionProto { Name = name, Domain = Mine };
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = model.Opset() });
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = Mine, Version = 1 });
        function.Input.Add(inputs);
        function.Output.Add(output);
        function.Node.Add(nodes);
        model.Functions.Add(function);
        return function;
    }

    /// <summary>A node that calls a function.</summary>
    public static NodeProto Call(string name, string[] inputs, string output, params AttributeProto[] attributes)
    {
        var call = Node(name, inputs, output, attributes);
        call.Domain = Mine;
        return call;
    }

    private static void Chain(NetworkBuilder net, params NodeProto[] nodes) => net.Model.Graph.Node.Add(nodes);

    /// <summary>An If, true, whose branches are the same.</summary>
    private static NodeProto Branch(NetworkBuilder net, NodeProto[] nodes, string inner, string output)
    {
        if (net.Model.Graph.Initializer.All(t => t.Name != "yes"))
        {
            net.Model.Graph.Initializer.Add(TensorData.Create("yes", DataType.Bool, [1], []));
        }
        AttributeProto Body(string name)
        {
            var body = new GraphProto { Name = name };
            body.Node.Add(nodes.Select(node => node.Clone()));
            var type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float } };
            body.Output.Add(new ValueInfoProto { Name = inner, Type = type });
            return new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = body };
        }
        return Node("If", ["yes"], output, Body("then_branch"), Body("else_branch"));
    }

    private static AttributeProto Reference(string name, string reference, AttributeProto.Types.AttributeType type) =>
        new() { Name = name, RefAttrName = reference, Type = type };

    private static AttributeProto Slope(string name, float value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    private static AttributeProto Tensor(TensorProto tensor) =>
        new() { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = tensor };
}
