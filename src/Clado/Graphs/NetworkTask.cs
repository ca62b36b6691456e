namespace Clado.Graphs;

/// <summary>What a network is for. It decides by which loss and by which measures a quantized network is compared with it.</summary>
public enum NetworkTask
{
    /// <summary>Scores of classes, one set an image.</summary>
    Classify,

    /// <summary>Values that are none of the others: angles, ages, pixels.</summary>
    Regress,

    /// <summary>Boxes with scores.</summary>
    Detect,

    /// <summary>Scores of classes at every place of a map.</summary>
    Segment,

    /// <summary>A vector an image, of which the direction counts.</summary>
    Embed,
}
