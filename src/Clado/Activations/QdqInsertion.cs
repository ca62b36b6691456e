using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Activations;

/// <summary>
/// Puts activations on their 8-bit grids: every tensor of a plan goes through QuantizeLinear and DequantizeLinear (QDQ). ONNX Runtime fuses
/// models of this form to integer kernels. The pair is one function of the model, called for every tensor.
/// </summary>
internal static class QdqInsertion
{
    /// <summary>The function's name in the file.</summary>
    public const string FunctionName = "A";

    /// <summary>A network as it computes with 8-bit activations, in floats. Weights and biases stay, under their names.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="activations">The grids.</param>
    public static Graph Of(Graph graph, QuantizedActivations activations)
    {
        var model = graph.Model.Clone();
        Into(model, activations, new TensorNames(graph), integerBiases: false);
        return graph.With(model);
    }

    /// <summary>Rounds the activations of a model, and makes the biases of integer nodes integers.</summary>
    /// <param name="model">A copy of the network, its nodes where the graph has them; it is changed.</param>
    /// <param name="activations">What is rounded, and the grids.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <param name="integerBiases">Whether biases of integer nodes become integers.</param>
    public static void Into(ModelProto model, QuantizedActivations activations, TensorNames names, bool integerBiases)
    {
        var plan = activations.Plan;
        NodeProto[] nodes = [.. model.Graph.Node];
        // Before each node, and at [nodes] behind the last.
        List<NodeProto>[] before = [.. Enumerable.Range(0, nodes.Length + 1).Select(_ => new List<NodeProto>())];
        if (integerBiases)
        {
            before[0].AddRange(IntegerBiasInsertion.Into(model, plan, names));
        }
        var producers = nodes.SelectMany((node, i) => node.Output.Select((name, slot) => (name, i, slot)))
            .Where(p => p.name.Length > 0).ToDictionary(p => p.name, p => (p.i, p.slot));
        foreach (var (index, tensor) in plan.Tensors.Index())
        {
            var (producer, slot) = producers.GetValueOrDefault(tensor.Name, (-1, 0));
            before[producer + 1].Add(Insert(tensor, nodes, producer, slot, names.Of(TensorRole.Activation, index), names));
        }
        model.Graph.Node.Clear();
        model.Graph.Node.Add(nodes.SelectMany((node, i) => before[i].Append(node)).Concat(before[^1]));
        AddGrids(model, activations.Ranges, plan.Ranges.Count, names);
        if (plan.Tensors.Count > 0)
        {
            LocalFunctions.Add(model, [Function(model.Opset())]);
        }
    }

    /// <summary>Makes a tensor's readers read rounded values; gives the call that rounds it.</summary>
    private static NodeProto Insert(QuantizedTensor tensor, NodeProto[] nodes, int producer, int slot, string name, TensorNames names)
    {
        string[] grid = [names.Of(TensorRole.RangeScale, tensor.Range), names.Of(TensorRole.RangeZeroPoint, tensor.Range)];
        if (tensor.Readers is not { } readers)
        {
            // Everybody reads rounded values, the model's outputs too: they keep the name.
            nodes[producer].Output[slot] = name;
            return LocalFunctions.Call(FunctionName, [name, .. grid], tensor.Name);
        }
        foreach (int reader in readers)
        {
            GraphWalk.Rename(nodes[reader], new Dictionary<string, string> { [tensor.Name] = name });
        }
        return LocalFunctions.Call(FunctionName, [tensor.Name, .. grid], name);
    }

    private static void AddGrids(ModelProto model, ActivationRanges ranges, int count, TensorNames names)
    {
        for (int range = 0; range < count; range++)
        {
            var (scale, zeroPoint) = (names.Of(TensorRole.RangeScale, range), names.Of(TensorRole.RangeZeroPoint, range));
            model.Graph.Initializer.Add(TensorData.Singles(scale, [ranges.Scales[range]]));
            model.Graph.Initializer.Add(TensorData.Create(zeroPoint, DataType.Uint8, [ranges.ZeroPoints[range]]));
        }
    }

    private static FunctionProto Function(int opset)
    {
        const string Raw = "x", Scale = "s", ZeroPoint = "z", Codes = "q", Rounded = "y";
        var function = LocalFunctions.Create(FunctionName, [Raw, Scale, ZeroPoint], Rounded, opset);
        function.Node.Add(Node("QuantizeLinear", [Raw, Scale, ZeroPoint], Codes));
        function.Node.Add(Node("DequantizeLinear", [Codes, Scale, ZeroPoint], Rounded));
        return function;
    }
}
