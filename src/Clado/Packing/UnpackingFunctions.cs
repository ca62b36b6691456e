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

    /// <summary>Name of a width's function.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static string Name(int bits) => $"U{bits}";

    /// <summary>Adds the functions of some widths to a model, and the import of their domain.</summary>
    /// <param name="model">The model that receives them.</param>
    /// <param name="widths">Widths the model uses.</param>
    /// <exception cref="CladoException">The model has another function of that name.</exception>
    public static void AddTo(ModelProto model, IEnumerable<int> widths)
    {
        int opset = model.Opset();
        var layouts = widths.Distinct().Order().Select(bits => WeightLayout.Of(bits, opset));
        LocalFunctions.Add(model, [.. layouts.Select(layout => UnpackingFunction.Build(layout, opset))]);
    }
}
