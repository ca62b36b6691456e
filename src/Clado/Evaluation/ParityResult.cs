namespace Clado.Evaluation;

/// <summary>How close a written file's outputs are to those of our simulation of the same bits.</summary>
/// <param name="Images">Images run.</param>
/// <param name="LargestDifference">Largest absolute difference of an output.</param>
/// <param name="MeanDifference">Mean absolute difference of the outputs.</param>
/// <param name="Agreement">Share of images on which both give the same class; null where the network is no classifier. Range: [0, 1].</param>
public sealed record ParityResult(int Images, double LargestDifference, double MeanDifference, double? Agreement);
