using System.Numerics.Tensors;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Tasks;

namespace Clado.Evaluation;

/// <summary>Counts of one batch.</summary>
internal sealed class Tally
{
    public int Top1 { get; private set; }

    public int Top5 { get; private set; }

    /// <summary>The class of the highest score; empty where nothing was compared with labels. Shape: [images].</summary>
    public int[] Predicted { get; private set; } = [];

    public double Loss { get; private set; }

    /// <summary>Whether the label has the highest score; empty where nothing was compared with labels. Shape: [images].</summary>
    public bool[] Right { get; private set; } = [];

    /// <summary>Whether the highest score is the reference's; empty where it was not compared with one. Shape: [images].</summary>
    public bool[] Agreeing { get; private set; } = [];

    /// <summary>Loss increases over the reference; empty where it was not compared with one. Shape: [images].</summary>
    public double[] Increases { get; private set; } = [];

    /// <summary>What each image shows of the network's task; empty where it is not asked. Shape: [images].</summary>
    public IReadOnlyList<ImageComparison> Compared { get; private set; } = [];

    /// <summary>The batches together.</summary>
    /// <param name="batches">In their order, in which they are summed. Shape: [batches].</param>
    /// <param name="model">The model.</param>
    /// <param name="reference">What it was compared with, or null.</param>
    /// <param name="task">How it was compared by its task; null where it was not.</param>
    /// <param name="images">The images.</param>
    public static EvaluationResult Sum(
        IReadOnlyList<Tally> batches, EvaluatedModel model, Reference? reference, MeasuredTask? task, ImageSet images)
    {
        bool scored = images.IsLabelled && model.Runner.Readout.IsClassifier;
        double? Mean(bool known, Func<Tally, double> part) => known ? batches.Sum(part) / images.Items.Count : null;
        var compared = task?.Sum([.. batches.SelectMany(t => t.Compared)], [.. images.Items.Select(i => i.Name)]);
        return new EvaluationResult
        {
            Model = model.Name,
            SizeBytes = model.SizeBytes,
            Images = images.Items.Count,
            Labelled = images.IsLabelled,
            Top1 = Mean(scored, t => t.Top1),
            Top5 = Mean(scored, t => t.Top5),
            Loss = Mean(scored && model.Runner.Readout.HasOneRightClass, t => t.Loss),
            Agreement = Mean(reference?.Runner.Readout.IsClassifier is true, t => t.Agreeing.Count(agrees => agrees)),
            LossIncrease = Mean(reference?.Losses is not null, t => t.Increases.Sum()),
            LossIncreases = [.. batches.SelectMany(t => t.Increases)],
            Right = scored ? [.. batches.SelectMany(t => t.Right)] : [],
            Agreeing = reference?.Runner.Readout.IsClassifier is true ? [.. batches.SelectMany(t => t.Agreeing)] : [],
            Task = model.Runner.Readout.Task,
            Outputs = compared?.Outputs ?? [],
            Measures = compared?.Measures,
            LabelHint = scored ? HintOf(batches, images, model.Runner.Readout.ClassCount) : null,
        };
    }

    private static string? HintOf(IEnumerable<Tally> batches, ImageSet images, int classes) =>
        LabelHint.Of([.. batches.SelectMany(t => t.Predicted)], [.. images.Items.Select(i => i.Label!.Value)], classes);

    /// <summary>Compares with labels.</summary>
    /// <param name="logits">Shape: [images · classes].</param>
    /// <param name="labels">Shape: [images]. Range: [0, classes).</param>
    /// <param name="classes">Number of classes.</param>
    public void Score(float[] logits, int[] labels, int classes)
    {
        Loss = ClassLoss.CrossEntropy(logits, logits, classes, labels).Base * labels.Length;
        (Predicted, Right) = (new int[labels.Length], new bool[labels.Length]);
        for (int image = 0; image < labels.Length; image++)
        {
            var scores = logits.AsSpan(image * classes, classes);
            Predicted[image] = TensorPrimitives.IndexOfMax(scores);
            float own = scores[labels[image]];
            // Among equal scores the lower class comes first, as an argmax takes it.
            int before = 0;
            for (int k = 0; k < classes; k++)
            {
                before += scores[k] > own || (scores[k] == own && k < labels[image]) ? 1 : 0;
            }
            Right[image] = before < 1;
            Top1 += before < 1 ? 1 : 0;
            Top5 += before < 5 ? 1 : 0;
        }
    }

    /// <summary>Compares with a reference.</summary>
    /// <param name="readout">Where both are read.</param>
    /// <param name="outputs">Shape: [images · elements].</param>
    /// <param name="expected">The reference's. Shape: [images · elements].</param>
    /// <param name="loss">The loss of an increase over it.</param>
    public void Compare(Readout readout, float[] outputs, float[] expected, OutputLoss loss)
    {
        Agreeing = readout.IsClassifier ? Agreement(readout.Scores(outputs), readout.Scores(expected), readout.ClassCount) : [];
        var shift = new float[outputs.Length];
        TensorPrimitives.Subtract(outputs, expected, shift);
        Increases = loss.Increases(shift, readout.ElementCount);
    }

    /// <summary>Compares with a reference by what the network is for.</summary>
    /// <param name="outputs">Shape: [images][outputs].</param>
    /// <param name="expected">The reference's. Shape: [images][outputs].</param>
    /// <param name="task">How.</param>
    public void Compare(IReadOnlyList<ModelOutput[]> outputs, IReadOnlyList<ModelOutput[]> expected, MeasuredTask task) =>
        Compared = task.Compare(expected, outputs);

    /// <summary>On which images the highest score is of the same class.</summary>
    /// <param name="outputs">Shape: [images · classes].</param>
    /// <param name="expected">Shape: [images · classes].</param>
    /// <param name="classes">Number of classes.</param>
    /// <returns>Shape: [images].</returns>
    public static bool[] Agreement(ReadOnlySpan<float> outputs, ReadOnlySpan<float> expected, int classes)
    {
        var agreeing = new bool[outputs.Length / classes];
        for (int image = 0; image < agreeing.Length; image++)
        {
            int highest = TensorPrimitives.IndexOfMax(outputs.Slice(image * classes, classes));
            agreeing[image] = highest == TensorPrimitives.IndexOfMax(expected.Slice(image * classes, classes));
        }
        return agreeing;
    }
}
