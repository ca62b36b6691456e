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
    /// <param name="model">A model that <see cref="QdqInsertion"/> has rounded the activations of; it is changed.</param>
    /// <param name="share">The largest move, in steps. Range: [0, 0.5].</param>
    public static void Apply(ModelProto model, float share)
    {
        foreach (var function in model.Functions.Where(f => f.Domain == LocalFunctions.Domain && f.Name == QdqInsertion.FunctionName))
        {
            var (value, scale) = (function.Input[0], function.Input[1]);
            NodeProto[] quantization = [.. function.Node];
            quantization[0].SetOperand(0, "moved");
            function.Node.Clear();
            function.Node.Add(
            [
                Constant("phases", PhasesPerStep),
                Constant("share", share),
                Node("Div", [value, scale], "steps"),
                Node("Mul", ["steps", "phases"], "phase"),
                Node("Sin", ["phase"], "sine"),
                Node("Mul", ["sine", "share"], "moveInSteps"),
                Node("Mul", ["moveInSteps", scale], "move"),
                Node("Add", [value, "move"], "moved"),
                .. quantization,
            ]);
        }
    }

    private static NodeProto Constant(string name, float value) =>
        Node("Constant", [], name, new AttributeProto { Name = "value_float", Type = AttributeProto.Types.AttributeType.Float, F = value });
}
