using Clado.Onnx;

namespace Clado.Graphs.Integers;

/// <summary>Makes floats of what a model stores or computes as integers, as far as it has to be quantized anew.</summary>
internal static class QuantizedForms
{
    /// <summary>Changes a model in place, and resolves its constants.</summary>
    /// <param name="model">The model, nodes in topological order.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="grids">What becomes of its grids.</param>
    public static void Settle(ModelProto model, string file, GridHandling grids)
    {
        if (grids != GridHandling.Leave)
        {
            OwnFunctions.Inline(model);
        }
        IntegerOperators.Rewrite(model.Graph, file);
        ConstantResolution.Resolve(model, file);
        if (grids == GridHandling.Remove && GridRemoval.Apply(model.Graph, file))
        {
            ConstantResolution.Resolve(model, file);
        }
    }
}
