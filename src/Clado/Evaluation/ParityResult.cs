using System.Text.Json.Serialization;
using static System.FormattableString;

namespace Clado.Evaluation;

/// <summary>How close a written file's outputs are to those of our simulation of the same bits.</summary>
/// <param name="Images">Inputs run.</param>
/// <param name="LargestDifference">Largest absolute difference of an output.</param>
/// <param name="MeanDifference">Mean absolute difference of the outputs.</param>
/// <param name="Agreement">
/// Share of images on which both give the same class; null where the network is no classifier. Range: [0, 1].
/// </param>
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
        if (Outputs.Where(o => !o.IsExplained).MaxBy(o => o.Worst.Excess) is { } broken)
        {
            var part = broken.Worst;
            string where = broken.Parts.Count > 1 ? Invariant($", of its {broken.Layout} the one numbered {part.Part},") : "";
            throw new CladoException(
                $"{path}: not written, since ONNX Runtime computes something else of the file than its bits say: "
                + Invariant($"output '{broken.Name}'{where} differs from their simulation by {part.Largest:G3} at most ")
                + Invariant($"and {part.RootMeanSquare:G3} in the root mean square, ")
                + Invariant($"of which rounding explains {part.AllowedLargest:G3} and {part.AllowedRootMeanSquare:G3} ({Images:N0} ")
                + $"{(OnImages ? "images" : "random inputs")}). Try {Settings.Activations} float or another {Settings.Opset}, "
                + "and report the model: this is a defect");
        }
    }
}

/// <summary>
/// How close an output of a written file is to that of the simulation, in the output's unit, and how close it has to be
/// (docs/numerics.md, "Parity"). Each part is judged on its own, so that a quantity of small numbers does not hide beside large ones.
/// </summary>
/// <param name="Name">Name of the output.</param>
/// <param name="Layout">Where its parts lie, such as "8 parts along axis 1".</param>
/// <param name="Parts">Its parts, in their order; one where all of it is of one kind. Shape: [parts].</param>
public sealed record OutputParity(string Name, string Layout, [property: JsonIgnore] IReadOnlyList<PartParity> Parts)
{
    /// <summary>Largest absolute difference in any part.</summary>
    public double Largest => Parts.Max(p => p.Largest);

    /// <summary>The most that rounding explains in any part.</summary>
    public double AllowedLargest => Parts.Max(p => p.AllowedLargest);

    /// <summary>Root of the mean squared difference of the parts together.</summary>
    public double RootMeanSquare => Together(p => p.RootMeanSquare);

    /// <summary>What rounding explains of it.</summary>
    public double AllowedRootMeanSquare => Together(p => p.AllowedRootMeanSquare);

    /// <summary>The part that is nearest to what is allowed, or furthest beyond it.</summary>
    public PartParity Worst => Parts.FirstOrDefault(p => double.IsNaN(p.Excess)) ?? Parts.MaxBy(p => p.Excess)!;

    /// <summary>Whether rounding explains the difference in every part.</summary>
    public bool IsExplained => Parts.All(p => p.IsExplained);

    private double Together(Func<PartParity, double> root) =>
        Math.Sqrt(Parts.Sum(p => p.Elements * root(p) * root(p)) / Math.Max(1, Parts.Sum(p => p.Elements)));
}

/// <summary>How close one part of an output is to that of the simulation, and how close it has to be.</summary>
/// <param name="Part">The part. Range: [0, parts).</param>
/// <param name="Elements">Values compared, over all images. Range: [0, inf).</param>
/// <param name="Largest">Largest absolute difference.</param>
/// <param name="AllowedLargest">What rounding explains of it.</param>
/// <param name="RootMeanSquare">Root of the mean squared difference.</param>
/// <param name="AllowedRootMeanSquare">What rounding explains of it.</param>
public sealed record PartParity(
    int Part, long Elements, double Largest, double AllowedLargest, double RootMeanSquare, double AllowedRootMeanSquare)
{
    /// <summary>Whether rounding explains the difference; never where it is NaN.</summary>
    public bool IsExplained => Largest <= AllowedLargest && RootMeanSquare <= AllowedRootMeanSquare;

    /// <summary>How many times what is allowed the difference is.</summary>
    internal double Excess => Math.Max(Share(Largest, AllowedLargest), Share(RootMeanSquare, AllowedRootMeanSquare));

    private static double Share(double difference, double allowed) => difference == 0 ? 0 : difference / allowed;
}
