using System.Numerics.Tensors;
using Clado.Graphs;
using Clado.Images;
using static System.FormattableString;

namespace Clado.Inference;

/// <summary>The one place where a network's answers on images are read, and looked at.</summary>
internal static class OutputReading
{
    // Shares below this are taken for it: their logarithms would be differences that nobody sees.
    private const float SmallestShare = 1e-12f;

    /// <summary>Checks that images are of classes the network has, where it is a classifier and they have classes.</summary>
    /// <param name="readout">Where the network is read.</param>
    /// <param name="images">The images.</param>
    /// <exception cref="CladoException">One is not.</exception>
    public static void CheckLabels(this Readout readout, ImageSet images)
    {
        if (readout.IsClassifier && images.Items.FirstOrDefault(i => i.Label >= readout.ClassCount) is { } item)
        {
            throw new CladoException($"{item.Path}: class {item.Label} is not among the model's {readout.ClassCount}; "
                + $"check the labels, say with {Settings.LabelOffset} where they are counted otherwise, "
                + "or put the images into one folder without classes");
        }
    }

    /// <summary>Brings the outputs of a batch together, all of an image side by side, and looks at them.</summary>
    /// <param name="readout">Where the network is read.</param>
    /// <param name="outputs">Values of each output, image by image. Shape: [outputs][images · elements].</param>
    /// <param name="batch">The images.</param>
    /// <param name="source">Whose outputs they are.</param>
    /// <returns>Shape: [images · elements of all outputs].</returns>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than on the images before.</exception>
    public static float[] Collect(this Readout readout, IEnumerable<float[]> outputs, ImageBatch batch, OutputSource source)
    {
        float[][] values = [.. outputs];
        readout.Check(values, batch, source);
        var collected = new float[batch.Count * readout.ElementCount];
        int start = 0;
        foreach (var (own, count) in values.Zip(readout.ElementCounts))
        {
            for (int image = 0; image < batch.Count; image++)
            {
                own.AsSpan(image * count, count).CopyTo(collected.AsSpan((image * readout.ElementCount) + start));
            }
            start += count;
        }
        if (readout.Decision.HoldsProbabilities)
        {
            // Scores whose softmax they are.
            TensorPrimitives.Max(collected, SmallestShare, collected);
            TensorPrimitives.Log(collected, collected);
        }
        return collected;
    }

    /// <summary>
    /// A gradient by what was collected, as gradients by each output: what <see cref="Collect"/> brings together, apart again.
    /// </summary>
    /// <param name="readout">Where the network is read.</param>
    /// <param name="gradient">Shape: [images · elements of all outputs].</param>
    /// <param name="collected">What was collected there. Shape: [images · elements of all outputs].</param>
    /// <returns>Shape: [outputs][images · elements].</returns>
    public static float[][] Spread(this Readout readout, float[] gradient, float[] collected)
    {
        float[] values = [.. gradient];
        if (readout.Decision.HoldsProbabilities)
        {
            // Of the logarithm of a share, which below the smallest does not change.
            float least = MathF.Log(SmallestShare);
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = collected[i] > least ? values[i] * MathF.Exp(-collected[i]) : 0;
            }
        }
        int images = values.Length / readout.ElementCount, start = 0;
        var spread = new float[readout.Outputs.Count][];
        for (int output = 0; output < spread.Length; output++)
        {
            int count = readout.ElementCounts[output];
            spread[output] = new float[images * count];
            for (int image = 0; image < images; image++)
            {
                values.AsSpan((image * readout.ElementCount) + start, count).CopyTo(spread[output].AsSpan(image * count));
            }
            start += count;
        }
        return spread;
    }

    /// <summary>The scores of a classifier, one for each class: of one that says yes or no, 0 for no and its score for yes.</summary>
    /// <param name="readout">Where the network is read.</param>
    /// <param name="outputs">What was collected. Shape: [images · elements].</param>
    /// <returns>Shape: [images · classes].</returns>
    public static float[] Scores(this Readout readout, float[] outputs) =>
        readout.IsBinary ? [.. outputs.SelectMany(yes => (float[])[0, yes])] : outputs;

    /// <summary>Looks at the outputs of a batch: whoever reads answers asks here first.</summary>
    /// <param name="readout">Where the network is read.</param>
    /// <param name="outputs">Values of each output, image by image. Shape: [outputs][images · elements].</param>
    /// <param name="batch">The images.</param>
    /// <param name="source">Whose outputs they are.</param>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than on the images before.</exception>
    public static void Check(this Readout readout, IReadOnlyList<float[]> outputs, ImageBatch batch, OutputSource source)
    {
        foreach (var ((values, count), name) in outputs.Zip(readout.ElementCounts).Zip(readout.Outputs))
        {
            if (values.Length != batch.Count * count)
            {
                throw new CladoException(
                    $"{source.Name}: output '{name}' has "
                    + Invariant($"{values.Length:N0} values where {batch.Count * count:N0} were expected, for {batch.Count} images ")
                    + $"from {batch.NameOf(0)} on; its size depends on the image, so images cannot be compared in it");
            }
            for (int image = 0; image < batch.Count; image++)
            {
                CheckFinite(values.AsSpan(image * count, count), name, batch.NameOf(image), source);
            }
        }
    }

    /// <summary>Looks at an output of an image.</summary>
    /// <param name="values">Shape: [elements].</param>
    /// <param name="name">Name of the output.</param>
    /// <param name="image">What errors call the image.</param>
    /// <param name="source">Whose output it is.</param>
    /// <exception cref="CladoException">A value is NaN or infinite.</exception>
    public static void CheckFinite(ReadOnlySpan<float> values, string name, string image, OutputSource source)
    {
        // The largest magnitude is NaN where any value is.
        if (values.Length > 0 && !float.IsFinite(TensorPrimitives.MaxMagnitude(values)))
        {
            throw new CladoException($"{source.Name}: output '{name}' {Fault(values)} for {image}; {source.Advice}");
        }
    }

    private static string Fault(ReadOnlySpan<float> values)
    {
        int count = 0, first = -1;
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                count++;
                first = first < 0 ? i : first;
            }
        }
        string what = float.IsNaN(values[first]) ? "NaN" : values[first] > 0 ? "infinite" : "minus infinity";
        return Invariant($"is {what} in {count:N0} of {values.Length:N0} values");
    }
}
