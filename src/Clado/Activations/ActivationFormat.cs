namespace Clado.Activations;

/// <summary>What activations are in the written file.</summary>
public enum ActivationFormat
{
    /// <summary>32-bit floats: weights are made float at load.</summary>
    Float,

    /// <summary>8-bit integers wherever the runtime computes with them.</summary>
    Int8,

    /// <summary>
    /// The same, unless that costs more than the weights do: then other grids, and floats around the tensors that cost most.
    /// </summary>
    Auto,

    /// <summary>On the grids that the model has of its own.</summary>
    Keep,
}
