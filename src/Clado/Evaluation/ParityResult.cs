using System.Globalization;

namespace Clado.Evaluation;

/// <summary>How close a written file's outputs are to those of our simulation of the same bits.</summary>
/// <param name="Images">Inputs run.</param>
/// <param name="LargestDifference">Largest absolute difference of an output.</param>
/// <param name="MeanDifference">Mean absolute difference of the outputs.</param>
/// <param name="Agreement">Share of images on which both give the same class; null where the network is no classifier. Range: [0, 1].</param>
public sealed record ParityResult(int Images, double LargestDifference, double MeanDifference, double? Agreement)
{
    /// <summary>Whether the inputs were images of the run; else they were random, since those were not there.</summary>
    public required bool OnImages { get; init; }

    /// <summary>Each output, and what rounding explains of its difference. Shape: [outputs].</summary>
    public required IReadOnlyList<OutputParity> Outputs { get; init; }

    /// <summary>Refuses a file that computes something else than its bits say.</summary>
    /// <param name="path">Path that the error names.</param>
    /// <exception cref="CladoException">An output differs by more than rounding explains.</exception>
    internal void ThrowIfBroken(string path)
    {
        if (Outputs.Where(o => !o.IsExplained).MaxBy(o => o.Excess) is { } broken)
        {
            throw new CladoException(string.Create(CultureInfo.InvariantCulture,
                $"{path}: not written, since ONNX Runtime computes something else of the file than its bits say: output '{broken.Name}' differs from their simulation by {broken.Largest:G3} at most "
                + $"and {broken.RootMeanSquare:G3} in the root mean square, of which rounding explains {broken.AllowedLargest:G3} and {broken.AllowedRootMeanSquare:G3} ({Images:N0} "
                + $"{(OnImages ? "images" : "random inputs")}). Try --activations float or another --opset, and report the model: this is a defect"));
        }
    }
}

/// <summary>How close an output of a written file is to that of the simulation, in the output's unit, and how close it has to be (docs/numerics.md, "Parity").</summary>
/// <param name="Name">Name of the output.</param>
/// <param name="Largest">Largest absolute difference.</param>
/// <param name="AllowedLargest">What rounding explains of it.</param>
/// <param name="RootMeanSquare">Root of the mean squared difference.</param>
/// <param name="AllowedRootMeanSquare">What rounding explains of it.</param>
public sealed record OutputParity(string Name, double Largest, double AllowedLargest, double RootMeanSquare, double AllowedRootMeanSquare)
{
    /// <summary>Whether rounding explains the difference; never where it is NaN.</summary>
    public bool IsExplained => Largest <= AllowedLargest && RootMeanSquare <= AllowedRootMeanSquare;

    /// <summary>How many times what is allowed the difference is.</summary>
    internal double Excess => Math.Max(Share(Largest, AllowedLargest), Share(RootMeanSquare, AllowedRootMeanSquare));

    private static double Share(double difference, double allowed) => difference == 0 ? 0 : difference / allowed;
}
