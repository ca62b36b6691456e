using System.Numerics.Tensors;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;

namespace Clado.Evaluation;

/// <summary>Counts of one batch.</summary>
internal sealed class Tally
{
    public int Top1 { get; private set; }

    public int Top5 { get; private set; }

    public double Loss { get; private set; }

    public int Agreeing { get; private set; }

    public double Increase { get; private set; }

    /// <summary>Whether images and network have what accuracies need: labels and classes.</summary>
    /// <exception cref="CladoException">A label is beyond the network's classes.</exception>
    public static bool CanScore(ImageSet images, Readout readout)
    {
        readout.CheckLabels(images);
        return images.IsLabelled && readout.IsClassifier;
    }

    /// <summary>The batches together.</summary>
    /// <param name="batches">In their order, in which they are summed. Shape: [batches].</param>
    /// <param name="model">Path or name of the model.</param>
    /// <param name="sizeBytes">Bytes of its file.</param>
    /// <param name="images">The images.</param>
    /// <param name="scored">Whether labels were compared with.</param>
    /// <param name="reference">What was compared with, or null.</param>
    public static EvaluationResult Sum(IReadOnlyList<Tally> batches, string model, long sizeBytes, ImageSet images, bool scored, Readout? reference)
    {
        double? Mean(bool known, Func<Tally, double> part) => known ? batches.Sum(part) / images.Items.Count : null;
        return new EvaluationResult
        {
            Model = model,
            SizeBytes = sizeBytes,
            Images = images.Items.Count,
            Labelled = images.IsLabelled,
            Top1 = Mean(scored, t => t.Top1),
            Top5 = Mean(scored, t => t.Top5),
            Loss = Mean(scored, t => t.Loss),
            Agreement = Mean(reference is { IsClassifier: true }, t => t.Agreeing),
            LossIncrease = Mean(reference is not null, t => t.Increase),
        };
    }

    public void Score(float[] logits, int[] labels, int classes)
    {
        Loss = ClassLoss.CrossEntropy(logits, logits, classes, labels).Base * labels.Length;
        for (int image = 0; image < labels.Length; image++)
        {
            var scores = logits.AsSpan(image * classes, classes);
            float own = scores[labels[image]];
            // Among equal scores the lower class comes first, as an argmax takes it.
            int before = 0;
            for (int k = 0; k < classes; k++)
            {
                before += scores[k] > own || (scores[k] == own && k < labels[image]) ? 1 : 0;
            }
            Top1 += before < 1 ? 1 : 0;
            Top5 += before < 5 ? 1 : 0;
        }
    }

    public void Compare(float[] outputs, float[] expected, OutputLoss loss, Readout readout)
    {
        int size = readout.ElementCount;
        for (int image = 0; image * size < outputs.Length; image++)
        {
            var range = new Range(image * size, (image + 1) * size);
            Agreeing += TensorPrimitives.IndexOfMax<float>(outputs.AsSpan(range)) == TensorPrimitives.IndexOfMax<float>(expected.AsSpan(range)) ? 1 : 0;
        }
        var shift = new float[outputs.Length];
        TensorPrimitives.Subtract(outputs, expected, shift);
        Increase = loss.Increases(shift, size).Sum();
    }
}
