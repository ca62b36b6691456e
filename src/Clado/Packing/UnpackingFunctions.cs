using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Packing;

/// <summary>
/// The functions of a model that make float weights of packed codes, one a width. A call costs a layer a few bytes, where the nodes
/// themselves would cost it hundreds. ONNX Runtime inlines the function and folds its first part at load, so a weight of any width runs
/// as one of 8 bits does.
/// </summary>
internal static class UnpackingFunctions
{
    /// <summary>Attribute of every function: the axis of the weight along which its scales lie.</summary>
    public const string AxisAttribute = "axis";

    /// <summary>
    /// Attribute of a function that gets its planes in bytes alone: the weight's shape. Short, since every layer pays for it.
    /// </summary>
    public const string ShapeAttribute = "d";

    /// <summary>The axis as a call gives it, which leaves out the first: functions take that where nothing is said.</summary>
    /// <param name="axis">The axis. Range: [0, rank).</param>
    /// <returns>Shape: [0] or [1].</returns>
    public static AttributeProto[] Axis(int axis) => axis == 0 ? [] : [NodeExtensions.Attribute(AxisAttribute, axis)];

    /// <summary>Bytes of that.</summary>
    /// <param name="axis">The axis. Range: [0, rank).</param>
    public static long AxisSize(int axis) => axis == 0 ? 0 : WeightSize.Attribute(
        AxisAttribute, AttributeProto.Types.AttributeType.Int, FieldSize.Number(AttributeProto.IFieldNumber, axis));

    /// <summary>Makes a function take an axis.</summary>
    /// <param name="function">The function.</param>
    public static void TakeAxis(FunctionProto function) => function.AttributeProto.Add(NodeExtensions.Attribute(AxisAttribute, 0));

    /// <summary>Name of a width's function; all that make weights of a width are of one length, so that a call costs the same.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    /// <param name="unpacking">What unpacks.</param>
    public static string Name(int bits, Unpacking unpacking = Unpacking.ForKernels) => unpacking switch
    {
        Unpacking.FoldedAlongFirst => $"F{bits}",
        Unpacking.FoldedAlongLast => $"G{bits}",
        Unpacking.Codes => $"Q{bits}",
        Unpacking.Joining => "J",
        _ => $"U{bits}",
    };

    /// <summary>Adds the functions of some widths to a model, and the import of their domain.</summary>
    /// <param name="model">The model that receives them.</param>
    /// <param name="widths">Widths the model uses.</param>
    /// <exception cref="CladoException">The model has another function of that name.</exception>
    public static void AddTo(ModelProto model, IEnumerable<int> widths) =>
        AddTo(model, widths.Select(bits => (bits, Unpacking.ForKernels)));

    /// <summary>Adds functions to a model, and the import of their domain.</summary>
    /// <param name="model">The model that receives them.</param>
    /// <param name="used">Widths the model uses, and what unpacks them.</param>
    /// <exception cref="CladoException">The model has another function of that name.</exception>
    public static void AddTo(ModelProto model, IEnumerable<(int Bits, Unpacking Unpacking)> used)
    {
        int opset = model.Opset();
        var functions = used.Distinct().OrderBy(u => u.Unpacking).ThenBy(u => u.Bits);
        LocalFunctions.Add(model, [.. functions.Select(u => u.Unpacking == Unpacking.Joining
            ? JoiningFunction.Build(opset)
            : UnpackingFunction.Build(WeightLayout.Of(u.Bits, opset), opset, u.Unpacking))]);
    }
}
