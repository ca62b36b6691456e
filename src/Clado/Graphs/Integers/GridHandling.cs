namespace Clado.Graphs.Integers;

/// <summary>What becomes of what a model has quantized already, when it is read.</summary>
internal enum GridHandling
{
    /// <summary>Weights are floats, and activations stay on their grids.</summary>
    Keep,

    /// <summary>The grids of activations are removed.</summary>
    Remove,

    /// <summary>Functions that Clado wrote stay functions, too: only inputs and outputs are asked for.</summary>
    Leave,
}
