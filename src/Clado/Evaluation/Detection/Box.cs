namespace Clado.Evaluation.Detection;

/// <summary>A box by two corners; in which unit, and which axis comes first, does not matter to what is compared.</summary>
/// <param name="Left">Lower end along the first axis.</param>
/// <param name="Top">Lower end along the second axis.</param>
/// <param name="Right">Upper end along the first axis.</param>
/// <param name="Bottom">Upper end along the second axis.</param>
internal readonly record struct Box(float Left, float Top, float Right, float Bottom)
{
    private double Area => Math.Max(0, (double)Right - Left) * Math.Max(0, (double)Bottom - Top);

    /// <summary>Intersection over union; 1 of two equal boxes, without an area too. Range: [0, 1].</summary>
    public double Overlap(Box other)
    {
        double width = (double)Math.Min(Right, other.Right) - Math.Max(Left, other.Left);
        double height = (double)Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top);
        double both = Math.Max(0, width) * Math.Max(0, height), either = Area + other.Area - both;
        return this == other ? 1 : either > 0 ? both / either : 0;
    }
}

/// <summary>A box that a network gives.</summary>
/// <param name="Box">Where.</param>
/// <param name="Score">How sure; 1 where the network does not say.</param>
/// <param name="Class">Of what class; 0 where the network has but one. Range: [0, inf).</param>
internal readonly record struct Detection(Box Box, float Score, int Class);
