namespace Clado.Layers;

/// <summary>A use of a constant that can be quantized.</summary>
/// <param name="Node">Index of the node.</param>
/// <param name="Slot">Which of the node's inputs it is.</param>
/// <param name="Weight">Name of the constant.</param>
/// <param name="ChannelAxis">The axis of the constant along which channels lie. Range: [0, rank).</param>
/// <param name="Matrices">Matrices that lie one after the other, each with channels of its own.</param>
/// <param name="Macs">Multiply–accumulates an image; none of a table.</param>
internal sealed record ConstantUse(int Node, int Slot, string Weight, int ChannelAxis, int Matrices, long Macs)
{
    /// <summary>
    /// The fewest weights that a table, a recurrent layer or a batch of matrices is quantized for: below, scales and the call that unpacks
    /// them take most of what is saved.
    /// </summary>
    public const int FewestWeights = 256;
}
