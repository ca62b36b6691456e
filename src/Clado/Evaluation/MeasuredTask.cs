using Clado.Evaluation.Measures;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado.Evaluation;

/// <summary>Compares a model's outputs with its reference's by what the network is for.</summary>
/// <param name="task">What it is for.</param>
/// <param name="outputs">The outputs.</param>
/// <param name="samples">What the reference gives on some images. Shape: [images][outputs].</param>
internal sealed class MeasuredTask(NetworkTask task, MeasuredOutputs outputs, IReadOnlyList<ModelOutput[]> samples)
{
    /// <summary>Images to find out on how outputs are read: of more, no more is seen.</summary>
    private const int SampleImages = 16;

    private readonly TaskComparison comparison = TaskComparison.Of(task, outputs, samples);

    /// <summary>Finds out how outputs are read.</summary>
    /// <param name="measures">What is measured.</param>
    /// <param name="reference">The reference.</param>
    /// <param name="batches">The images.</param>
    /// <param name="work">Means to run them.</param>
    public static MeasuredTask Of(TaskOptions measures, ModelRunner reference, ImageBatches batches, Workload work)
    {
        int count = Math.Min(batches.Count, (SampleImages + batches.BatchSize - 1) / batches.BatchSize);
        var samples = new IReadOnlyList<ModelOutput[]>[count];
        work.SideBySide.For(count, index => samples[index] = reference.RunWhole(batches.Load(index)).Images);
        return new(measures.Task, measures.Outputs, [.. samples.SelectMany(images => images).Take(SampleImages)]);
    }

    /// <summary>Compares images.</summary>
    /// <param name="expected">The reference's outputs. Shape: [images][outputs].</param>
    /// <param name="actual">The model's. Shape: [images][outputs].</param>
    /// <returns>Shape: [images].</returns>
    public ImageComparison[] Compare(IReadOnlyList<ModelOutput[]> expected, IReadOnlyList<ModelOutput[]> actual) =>
        [.. expected.Zip(actual, (reference, own) => new ImageComparison(
            [.. reference.Take(outputs.Own).Zip(own, OutputDifference.Of)], comparison.Compare(reference, own)))];

    /// <summary>Brings images together.</summary>
    /// <param name="images">In their order. Shape: [images].</param>
    /// <param name="names">Their names. Shape: [images].</param>
    public (IReadOnlyList<OutputComparison> Outputs, TaskMeasures Measures) Sum(
        IReadOnlyList<ImageComparison> images, IReadOnlyList<string> names)
    {
        OutputComparison Error(int output) => OutputComparison.Of(
            outputs.Names[output], samples[0][output].IsInteger, [.. images.Select(image => image.Outputs[output])], names);
        OutputDifference Whole(int output) => samples[0][output].IsInteger
            ? OutputDifference.None
            : OutputDifference.Sum(images.Select(image => image.Outputs[output]));
        int[] own = [.. Enumerable.Range(0, outputs.Own)];
        return ([.. own.Select(Error)], comparison.Sum([.. images.Select(image => image.Counts)], [.. own.Select(Whole)]));
    }
}

/// <summary>What an image shows.</summary>
/// <param name="Outputs">Differences of its outputs. Shape: [outputs].</param>
/// <param name="Counts">What it shows of the task's measure; null where the outputs say it all.</param>
internal sealed record ImageComparison(IReadOnlyList<OutputDifference> Outputs, ImageCounts? Counts);

/// <summary>What is measured of a network that is no classifier.</summary>
/// <param name="Task">What it is for.</param>
/// <param name="Outputs">Its outputs.</param>
/// <param name="OneByOne">Whether images run one at a time, since sizes depend on what is in them.</param>
internal sealed record TaskOptions(NetworkTask Task, MeasuredOutputs Outputs, bool OneByOne)
{
    /// <summary>The least score of a detection where nobody says.</summary>
    public const double DefaultScoreThreshold = 0.3;

    /// <summary>Finds what is measured.</summary>
    /// <param name="readout">Where the network is read.</param>
    /// <param name="graph">The reference.</param>
    /// <param name="whole">Its outputs.</param>
    /// <param name="scoreThreshold">The least score of a detection. Range: [0, 1].</param>
    /// <returns>null of a classifier, which is compared by its classes, and of what has no outputs of numbers.</returns>
    public static TaskOptions? Of(Readout readout, Graph graph, WholeOutputs whole, double scoreThreshold = DefaultScoreThreshold)
    {
        var outputs = new MeasuredOutputs(whole.Names, whole.Own)
        {
            ScoreThreshold = scoreThreshold,
            Selection = whole.Selection,
            ImageSize = graph.InputShape.Size,
        };
        return whole.Own > 0 && !readout.IsClassifier ? new TaskOptions(readout.Task, outputs, whole.Varies) : null;
    }
}
