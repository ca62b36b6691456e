using System.Numerics.Tensors;
using Clado.Images;
using Clado.Onnx;
using static System.FormattableString;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>Where a network's answer is read.</summary>
/// <param name="Outputs">Names of the float tensors to read. Shape: [outputs].</param>
/// <param name="ElementCounts">Elements an image of each. Shape: [outputs].</param>
/// <param name="IsClassifier">Whether the one output is a distribution over classes, read as logits.</param>
public sealed record Readout(IReadOnlyList<string> Outputs, IReadOnlyList<int> ElementCounts, bool IsClassifier)
{
    /// <summary>Elements an image of all outputs together.</summary>
    public int ElementCount => ElementCounts.Sum();

    /// <summary>
    /// Finds where to read. A network with one output [batch, classes] is a classifier; where that output is a Softmax, its input is read,
    /// since losses are defined on logits. Outputs that are no floats, such as indices of classes, follow from floats and are not read.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <exception cref="OnnxFormatException">No output is float, or one has no fixed number of elements an image.</exception>
    public static Readout Of(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        string[] outputs = [.. graph.Outputs.Where(o => graph.Tensors.TryGetValue(o, out var info) && info.Type == DataType.Float)];
        if (outputs.Length == 0)
        {
            throw new OnnxFormatException(graph.File, $"none of its outputs ({string.Join(", ", graph.Outputs)}) is a float tensor that is computed; export the model with its logits or boxes as an output");
        }
        bool classifier = outputs.Length == 1 && graph.Tensors[outputs[0]] is { Shape: [1, > 1] } info && info.Batched[0] == graph.HasFreeBatch;
        if (classifier && graph.Producer(outputs[0]) is >= 0 and var producer && graph.Nodes[producer] is var node
            && node.Is("Softmax") && node.Integer("axis", -1) is -1 or 1)
        {
            outputs = [node.Operand(0)];
        }
        foreach (var output in outputs.Where(o => graph.HasFreeBatch && !graph.Tensors[o].Batched.Any(b => b)))
        {
            throw new OnnxFormatException(graph.File, "is an output that does not grow with the batch; images cannot be told apart in it", tensor: output);
        }
        return new Readout(outputs, [.. outputs.Select(o => checked((int)graph.Tensors[o].ElementCount))], classifier);
    }

    /// <summary>Checks that images are of classes the network has, where it is a classifier and they have classes.</summary>
    /// <param name="images">The images.</param>
    /// <exception cref="CladoException">One is not.</exception>
    internal void CheckLabels(Images.ImageSet images)
    {
        if (IsClassifier && images.Items.FirstOrDefault(i => i.Label >= ElementCount) is { } item)
        {
            throw new CladoException($"{item.Path}: class {item.Label} is not among the model's {ElementCount}; check the labels, or put the images into one folder without classes");
        }
    }

    /// <summary>Brings the outputs of a batch together, all of an image side by side, and looks at them.</summary>
    /// <param name="outputs">Values of each output, image by image. Shape: [outputs][images · elements].</param>
    /// <param name="batch">The images.</param>
    /// <param name="source">Whose outputs they are.</param>
    /// <returns>Shape: [images · elements of all outputs].</returns>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than on the images before.</exception>
    internal float[] Collect(IEnumerable<float[]> outputs, ImageBatch batch, OutputSource source)
    {
        float[][] values = [.. outputs];
        Check(values, batch, source);
        var collected = new float[batch.Count * ElementCount];
        int start = 0;
        foreach (var (own, count) in values.Zip(ElementCounts))
        {
            for (int image = 0; image < batch.Count; image++)
            {
                own.AsSpan(image * count, count).CopyTo(collected.AsSpan((image * ElementCount) + start));
            }
            start += count;
        }
        return collected;
    }

    /// <summary>Looks at the outputs of a batch: whoever reads answers asks here first.</summary>
    /// <param name="outputs">Values of each output, image by image. Shape: [outputs][images · elements].</param>
    /// <param name="batch">The images.</param>
    /// <param name="source">Whose outputs they are.</param>
    /// <exception cref="CladoException">A value is NaN or infinite, or an output has another size than on the images before.</exception>
    internal void Check(IReadOnlyList<float[]> outputs, ImageBatch batch, OutputSource source)
    {
        foreach (var ((values, count), name) in outputs.Zip(ElementCounts).Zip(Outputs))
        {
            if (values.Length != batch.Count * count)
            {
                throw new CladoException(Invariant($"{source.Name}: output '{name}' has {values.Length:N0} values where {batch.Count * count:N0} were expected, for ")
                    + $"{batch.Count} images from {batch.NameOf(0)} on; its size depends on the image, so images cannot be compared in it");
            }
            for (int image = 0; image < batch.Count; image++)
            {
                var own = values.AsSpan(image * count, count);
                // The largest magnitude is NaN where any value is.
                if (count > 0 && !float.IsFinite(TensorPrimitives.MaxMagnitude<float>(own)))
                {
                    throw new CladoException($"{source.Name}: output '{name}' {Fault(own)} for {batch.NameOf(image)}; {source.Advice}");
                }
            }
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
