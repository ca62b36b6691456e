using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Losses;
using static System.FormattableString;

namespace Clado.Evaluation;

/// <summary>What a model file is evaluated on, and what with.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Folder of the images: class folders, a <c>labels.csv</c>, or images without labels.</summary>
    public required string Images { get; init; }

    /// <summary>Images at most; null, the default, for all: an accuracy is that of the whole folder then. Range: [1, inf).</summary>
    public int? Limit
    {
        get;
        init => field = ImageSet.CheckedLimit(value);
    }

    /// <summary>Seed of the choice where there is a limit.</summary>
    public int Seed { get; init; }

    /// <summary>
    /// What is added to the images' class indices: 1 where the model counts a background first and the images do not. Not 0 where the
    /// images have no classes is an error.
    /// </summary>
    public int LabelOffset { get; init; }

    /// <summary>How images become inputs.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.Parse("imagenet");

    /// <summary>Which input is the image, and values of the others.</summary>
    public InputOptions Inputs { get; init; } = new();

    /// <summary>Path of the FP32 file to compare with; null to compare with none.</summary>
    public string? Reference { get; init; }

    /// <summary>
    /// What the model is for; null to decide by its structure, and where that leaves it open, by its answers on the images.
    /// It decides by what the model is compared with the reference.
    /// </summary>
    public NetworkTask? Task { get; init; }

    /// <summary>
    /// Loss of the increase over the reference: kl, ce, mse or cosine; null for kl of scores of classes, cosine of embeddings, and mse
    /// elsewhere.
    /// </summary>
    public string? Loss { get; init => field = value is null ? null : LossKind.Named(value).Name; }

    /// <summary>
    /// Units of the outputs for the loss mse, such as those of a run. Null to measure them on these images, from the reference's
    /// outputs. Shape: [outputs].
    /// </summary>
    public IReadOnlyList<OutputScale>? Scales { get; init => field = value is null ? null : [.. value]; }

    /// <summary>
    /// The least score of a detection, and of a place of the one class of a map, that is compared with the reference's. Range: (0, 1).
    /// </summary>
    /// <exception cref="CladoException">It is out of its range.</exception>
    public double ScoreThreshold
    {
        get;
        init => field = value is > 0 and < 1
            ? value
            : throw new CladoException(Invariant($"{Settings.ScoreThreshold} {value}: more than 0 and less than 1 is wanted"));
    } = TaskOptions.DefaultScoreThreshold;

    /// <summary>Threads; results do not depend on them.</summary>
    public Resources Resources { get; init; } = new();
}
