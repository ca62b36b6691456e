namespace Clado.Activations;

/// <summary>What a node does in a network of 8-bit activations.</summary>
internal enum NodeRole
{
    /// <summary>Computes in floats.</summary>
    Float,

    /// <summary>A convolution with quantized weights: integers in, integers out.</summary>
    Convolution,

    /// <summary>A matrix product with quantized weights: integers in, floats or integers out.</summary>
    Product,

    /// <summary>Has an integer kernel, and gets and gives integers: an addition of two branches, a pooling.</summary>
    Integer,

    /// <summary>Moves or selects elements; input and output share their grid.</summary>
    Carrier,

    /// <summary>A Relu or Clip between an integer kernel and its rounding, which does its work.</summary>
    Absorbed,
}
