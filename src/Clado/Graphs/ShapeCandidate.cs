namespace Clado.Graphs;

/// <summary>A shape that the image input may have.</summary>
/// <param name="Dims">For one image. Shape: [rank].</param>
/// <param name="Note">What it assumes, in a sentence; null where the file or the user says all of it.</param>
/// <param name="IsGuess">Whether nothing speaks for its size but that it is usual.</param>
internal sealed record ShapeCandidate(long[] Dims, string? Note, bool IsGuess);
