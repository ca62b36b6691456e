namespace Clado.Graphs;

/// <summary>A size that the images of a network probably have.</summary>
/// <param name="Height">Height in pixels.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Source">Who says so, as messages call it.</param>
internal sealed record LikelySize(int Height, int Width, string Source);
