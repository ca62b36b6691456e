namespace Clado.Graphs;

/// <summary>
/// What a tensor that Clado adds to a file is for. The letter begins its name, which stands in the file at every use and so is short.
/// </summary>
internal static class TensorRole
{
    /// <summary>Packed codes of a layer's weight, or the plane of their lowest bits.</summary>
    public const char Codes = 'q';

    /// <summary>A layer's plane of 2 bits above the lowest plane.</summary>
    public const char PairPlane = 'p';

    /// <summary>A layer's plane of the one bit above all others.</summary>
    public const char TopBitPlane = 'o';

    /// <summary>Scales of a layer's channels.</summary>
    public const char WeightScales = 's';

    /// <summary>Packed codes of a group of a layer's rows, or the plane of their lowest bits.</summary>
    public const char GroupCodes = 'k';

    /// <summary>A group's plane of 2 bits above the lowest plane.</summary>
    public const char GroupPairPlane = 'l';

    /// <summary>A group's plane of the one bit above all others.</summary>
    public const char GroupTopBitPlane = 'm';

    /// <summary>Codes of a group of rows.</summary>
    public const char Group = 'n';

    /// <summary>Codes of all groups, one after the other.</summary>
    public const char Joined = 'j';

    /// <summary>The group of every row of a layer.</summary>
    public const char RowGroups = 'r';

    /// <summary>The scale 1 of a weight whose scales are multiplied in afterwards.</summary>
    public const char UnitScale = 'u';

    /// <summary>A weight before that.</summary>
    public const char UnscaledWeight = 'w';

    /// <summary>Codes of the scales of all layers, the scales themselves, and how many each layer has.</summary>
    public const char ScaleCodes = 'g';

    /// <summary>What stands there for a layer that has floats: nobody reads it.</summary>
    public const char NoScales = 'f';

    /// <summary>Constants of 16 bits one after the other, the same as floats, and how many elements each has; then others.</summary>
    public const char Halves = 'h';

    /// <summary>Scale of a range of activations.</summary>
    public const char RangeScale = 'a';

    /// <summary>Zero point of a range of activations.</summary>
    public const char RangeZeroPoint = 'z';

    /// <summary>Whether activations of a range are rounded, where that is fed; never in a file.</summary>
    public const char RangeSwitch = 't';

    /// <summary>An activation after QuantizeLinear and DequantizeLinear, or before them where the rounded one has kept its name.</summary>
    public const char Activation = 'y';

    /// <summary>A node's bias, rounded to the grid of its sums.</summary>
    public const char FloatBias = 'c';
}
