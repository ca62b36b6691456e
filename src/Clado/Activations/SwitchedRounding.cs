using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Activations;

/// <summary>
/// A network whose activations are rounded or not by what it is fed with every run: of each range the grid, and whether it is rounded to.
/// So one session measures what any of them costs.
/// </summary>
internal static class SwitchedRounding
{
    private const string Switch = "on";

    // Behind the value, its scale and its zero point.
    private const int SwitchSlot = 3;

    /// <summary>Puts switches and grids where a plan has grids.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="plan">Its ranges.</param>
    /// <returns>A model that takes the network's inputs, and <see cref="Inputs"/> of each range.</returns>
    public static ModelProto Of(Graph graph, ActivationPlan plan)
    {
        var (model, names) = (graph.Model.Clone(), new TensorNames(graph));
        QdqInsertion.Into(model, new QuantizedActivations(plan, ActivationRanges.Unmeasured(plan)), names, integerBiases: false);
        var given = Enumerable.Range(0, plan.Ranges.Count).Select(range => Inputs(names, range)).ToArray();
        var switchOf = given.ToDictionary(g => g.Scale, g => g.Switch);
        foreach (var call in model.Graph.Node.Where(n => n.Domain == LocalFunctions.Domain && n.OpType == QdqInsertion.FunctionName))
        {
            call.SetOperand(SwitchSlot, switchOf[call.Operand(1)]);
        }
        var fed = given.SelectMany(g => (string[])[g.Scale, g.ZeroPoint]).ToHashSet();
        foreach (var grid in model.Graph.Initializer.Where(t => fed.Contains(t.Name)).ToArray())
        {
            model.Graph.Initializer.Remove(grid);
        }
        foreach (var (scale, zeroPoint, on) in given)
        {
            model.Graph.Input.Add([Scalar(scale, DataType.Float), Scalar(zeroPoint, DataType.Uint8), Scalar(on, DataType.Bool)]);
        }
        Extend(model);
        return model;
    }

    /// <summary>Names of the inputs of a range.</summary>
    /// <param name="names">Names that the network does not use.</param>
    /// <param name="range">The range. Range: [0, ranges).</param>
    public static (string Scale, string ZeroPoint, string Switch) Inputs(TensorNames names, int range) =>
        (names.Of(TensorRole.RangeScale, range), names.Of(TensorRole.RangeZeroPoint, range), names.Of(TensorRole.RangeSwitch, range));

    /// <summary>Rounds where the switch is on.</summary>
    private static void Extend(ModelProto model)
    {
        foreach (var function in model.Functions.Where(f => f.Domain == LocalFunctions.Domain && f.Name == QdqInsertion.FunctionName))
        {
            var (value, result) = (function.Input[0], function.Output[0]);
            function.Input.Add(Switch);
            function.Node[^1].Output[0] = "rounded";
            function.Node.Add(Node("Where", [Switch, "rounded", value], result));
        }
    }

    private static ValueInfoProto Scalar(string name, DataType type) =>
        new() { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)type, Shape = new() } } };
}
