using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Activations;

/// <summary>
/// Moves every activation by a share of its grid's step before it is rounded: x + share · step · sin(x / step · phases). The move is drawn,
/// evenly over the phases of a sine, from the value itself, so it is the same in every run. Values on the grid stay there.
/// </summary>
internal static class GridPerturbation
{
    // Radians a step, of no simple ratio to a turn: values that lie near each other, or near different ties, are moved either way.
    private const float PhasesPerStep = 1000;

    /// <summary>Perturbs a model.</summary>
    /// <param name="model">
    /// A model that rounds activations, by <see cref="QdqInsertion"/> or of its own; it is changed. Grids with a step a channel stay.
    /// </param>
    /// <returns>
    /// Name of an input that it takes from then on: the largest move, in steps. With 0 it computes what it did. Range: [0, 0.5].
    /// </returns>
    public static string Apply(ModelProto model)
    {
        var names = GraphWalk.Names(model.Graph);
        var share = "share";
        while (!names.Add(share))
        {
            share += "_";
        }
        model.Graph.Input.Add(new ValueInfoProto
        {
            Name = share,
            Type = new() { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float, Shape = new() } },
        });
        if (model.Functions.FirstOrDefault(f => f.Domain == LocalFunctions.Domain && f.Name == QdqInsertion.FunctionName) is { } rounding)
        {
            Perturb(rounding);
            foreach (var call in model.Graph.Node.Where(node => node.Domain == rounding.Domain && node.OpType == rounding.Name))
            {
                call.SetOperand(rounding.Input.Count - 1, share);
            }
        }
        var vectors = model.Graph.Initializer.Where(t => t.Dims.Any(dim => dim > 1)).Select(t => t.Name).ToHashSet();
        NodeProto[] nodes = [.. model.Graph.Node];
        model.Graph.Node.Clear();
        foreach (var (index, node) in nodes.Index())
        {
            if (node.Is("QuantizeLinear") && !vectors.Contains(node.Operand(1)))
            {
                model.Graph.Node.Add(Moves(node, node.Operand(1), share, Prefix(index, names)));
            }
            else if (node.Is("DynamicQuantizeLinear"))
            {
                var prefix = Prefix(index, names);
                var step = Node("DynamicQuantizeLinear", [node.Operand(0)], $"{prefix}codes");
                step.Output.Add([$"{prefix}step", $"{prefix}zero"]);
                model.Graph.Node.Add(step);
                model.Graph.Node.Add(Moves(node, $"{prefix}step", share, prefix));
            }
            model.Graph.Node.Add(node);
        }
        return share;
    }

    /// <summary>Gives the function that rounds activations the share as its last input.</summary>
    private static void Perturb(FunctionProto function)
    {
        const string Share = "share";
        NodeProto[] quantization = [.. function.Node];
        function.Node.Clear();
        function.Node.Add(Moves(quantization[0], function.Input[1], Share, ""));
        function.Node.Add(quantization);
        function.Input.Add(Share);
    }

    /// <summary>The nodes that move what a node rounds, which it reads from then on.</summary>
    private static NodeProto[] Moves(NodeProto quantization, string scale, string share, string prefix)
    {
        string Own(string name) => prefix + name;
        var value = quantization.Operand(0);
        quantization.SetOperand(0, Own("moved"));
        return
        [
            Constant(Own("phases"), PhasesPerStep),
            Node("Div", [value, scale], Own("steps")),
            Node("Mul", [Own("steps"), Own("phases")], Own("phase")),
            Node("Sin", [Own("phase")], Own("sine")),
            Node("Mul", [Own("sine"), share], Own("moveInSteps")),
            Node("Mul", [Own("moveInSteps"), scale], Own("move")),
            Node("Add", [value, Own("move")], Own("moved")),
        ];
    }

    /// <summary>What names of a node's move begin with, so that nothing else is called so.</summary>
    private static string Prefix(int index, ISet<string> names)
    {
        var prefix = $"moved{index}_";
        while (names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            prefix += "_";
        }
        return prefix;
    }

    private static NodeProto Constant(string name, float value) =>
        Node("Constant", [], name, new AttributeProto { Name = "value_float", Type = AttributeProto.Types.AttributeType.Float, F = value });
}
