using System.Runtime.InteropServices;
using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Activations;

/// <summary>Puts the grids of a plan into a model: every tensor of the plan goes through QuantizeLinear and DequantizeLinear.</summary>
internal static class ActivationNodes
{
    private const string RoundName = "A";
    private const string BiasName = "B";

    // Radians a step, of no simple ratio to a turn: values that lie near each other, or near different ties, are moved either way.
    private const float PhasesPerStep = 1000;

    /// <summary>Name of the scale of a range.</summary>
    public static string Scale(TensorNames names, int range) => names.Of('a', range);

    /// <summary>Adds the nodes that round activations, and makes the biases of integer nodes integers.</summary>
    /// <param name="model">A copy of the network, its nodes where the graph has them; it is changed.</param>
    /// <param name="plan">What is rounded.</param>
    /// <param name="ranges">The grids.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <param name="biasCodes">Codes of a node's bias, in units of its input's scale times its channel's; null to leave biases floats. Shape of the result: [channels].</param>
    public static void Insert(ModelProto model, ActivationPlan plan, ActivationRanges ranges, TensorNames names, Func<IntegerNode, int[]>? biasCodes)
    {
        var nodes = model.Graph.Node.ToArray();
        var behind = new List<NodeProto>[nodes.Length + 1];
        if (biasCodes is not null)
        {
            behind[0] = Biases(model, plan, names, biasCodes);
        }
        var producers = nodes.SelectMany((node, i) => node.Output.Select((name, slot) => (name, i, slot))).Where(p => p.name.Length > 0).ToDictionary(p => p.name, p => (p.i, p.slot));
        foreach (var (tensor, index) in plan.Tensors.Select((tensor, index) => (tensor, index)))
        {
            int producer = -1;
            var (raw, rounded) = (tensor.Name, names.Of('y', index));
            if (producers.TryGetValue(tensor.Name, out var made))
            {
                producer = made.i;
            }
            if (tensor.Readers is { } readers)
            {
                foreach (int reader in readers)
                {
                    GraphWalk.Rename(nodes[reader], new Dictionary<string, string> { [raw] = rounded });
                }
            }
            else
            {
                // Everybody reads rounded values, the model's outputs too: they keep the name.
                (raw, rounded) = (rounded, raw);
                nodes[producer].Output[made.slot] = raw;
            }
            (behind[producer + 1] ??= []).Add(LocalFunctions.Call(RoundName, [raw, Scale(names, tensor.Range), names.Of('z', tensor.Range)], rounded));
        }
        model.Graph.Node.Clear();
        model.Graph.Node.Add(behind[0] ?? []);
        foreach (var (node, i) in nodes.Select((node, i) => (node, i)))
        {
            model.Graph.Node.Add(node);
            model.Graph.Node.Add(behind[i + 1] ?? []);
        }
        for (int range = 0; range < plan.Ranges.Count; range++)
        {
            model.Graph.Initializer.Add(TensorData.Singles(Scale(names, range), [ranges.Scales[range]]));
            model.Graph.Initializer.Add(TensorData.Create(names.Of('z', range), DataType.Uint8, [ranges.ZeroPoints[range]]));
        }
        if (plan.Tensors.Count > 0)
        {
            var function = LocalFunctions.Create(RoundName, ["x", "s", "z"], "y", model.Opset());
            function.Node.Add(Node("QuantizeLinear", ["x", "s", "z"], "q"));
            function.Node.Add(Node("DequantizeLinear", ["q", "s", "z"], "y"));
            LocalFunctions.Add(model, [function]);
        }
    }

    /// <summary>
    /// Moves every value by a share of its grid's step before it is rounded: one drawn, evenly over the phases of a sine, from the value itself, so that it is the same
    /// in every run. Values that lie on the grid stay there.
    /// </summary>
    /// <param name="model">A model that <see cref="Insert"/> has put nodes into; it is changed.</param>
    /// <param name="share">The largest move, in steps. Range: [0, 0.5].</param>
    public static void Shake(ModelProto model, float share)
    {
        foreach (var function in model.Functions.Where(f => f.Domain == LocalFunctions.Domain && f.Name == RoundName))
        {
            NodeProto Constant(string name, float value) => Node("Constant", [], name, new AttributeProto { Name = "value_float", Type = AttributeProto.Types.AttributeType.Float, F = value });
            NodeProto[] nodes =
            [
                Constant("f", PhasesPerStep), Constant("d", share), Node("Div", ["x", "s"], "u"), Node("Mul", ["u", "f"], "v"), Node("Sin", ["v"], "w"),
                Node("Mul", ["w", "d"], "r"), Node("Mul", ["r", "s"], "t"), Node("Add", ["x", "t"], "m"), .. function.Node,
            ];
            nodes[^2].SetOperand(0, "m");
            function.Node.Clear();
            function.Node.Add(nodes);
        }
    }

    /// <summary>Writes biases as 32-bit integers on the grid of their node's sums; gives the calls that make them float.</summary>
    private static List<NodeProto> Biases(ModelProto model, ActivationPlan plan, TensorNames names, Func<IntegerNode, int[]> codes)
    {
        var biased = plan.Nodes.Where(n => n.Bias is not null).ToArray();
        var calls = new List<NodeProto>();
        foreach (var node in biased)
        {
            var (integers, floats) = (names.Of('b', node.Node), names.Of('c', node.Node));
            int[] values = codes(node);
            model.Graph.Node[node.Node].SetOperand(2, floats);
            model.Graph.Initializer.Add(TensorData.Create(integers, DataType.Int32, MemoryMarshal.AsBytes(values.AsSpan()), values.Length));
            calls.Add(LocalFunctions.Call(BiasName, [integers, Scale(names, node.InputRange), names.Of('s', node.Layer.Index)], floats));
        }
        var used = model.Graph.Node.SelectMany(GraphWalk.Reads).ToHashSet();
        foreach (var tensor in model.Graph.Initializer.Where(t => biased.Any(n => n.Bias == t.Name) && !used.Contains(t.Name)).ToArray())
        {
            model.Graph.Initializer.Remove(tensor);
        }
        if (biased.Length > 0)
        {
            var function = LocalFunctions.Create(BiasName, ["b", "x", "s"], "y", model.Opset());
            function.Node.Add(Node("Mul", ["x", "s"], "m"));
            function.Node.Add(Node("DequantizeLinear", ["b", "m"], "y", Attribute("axis", 0)));
            LocalFunctions.Add(model, [function]);
        }
        return calls;
    }
}
