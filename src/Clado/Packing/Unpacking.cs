namespace Clado.Packing;

/// <summary>What unpacks a weight, by what reads it in a file of rounded activations.</summary>
internal enum Unpacking
{
    /// <summary>DequantizeLinear, which integer kernels take in. Where none does, it runs with every image.</summary>
    ForKernels,

    /// <summary>A product that is folded at load, for a kernel in floats; scales lie along the first axis.</summary>
    FoldedAlongFirst,

    /// <summary>The same; scales lie along the last axis.</summary>
    FoldedAlongLast,

    /// <summary>Codes of 8 bits, of a group of rows that have one width.</summary>
    Codes,

    /// <summary>The rows of all groups in their order, then DequantizeLinear. It has no width.</summary>
    Joining,
}
