using System.Numerics.Tensors;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado.Tasks;

/// <summary>What a network answers on images, where its structure leaves open what for.</summary>
/// <param name="Answers">Its answers as the structure tells.</param>
/// <param name="End">The answer that is looked at.</param>
/// <param name="Classes">How its elements would be scores of classes; one set an image, or one at every place.</param>
internal sealed record AnswerEvidence(Answers Answers, OutputEnd End, ClassLayout Classes)
{
    // Of more images, what is looked at here hardly changes.
    private const int MostImages = 64;

    /// <summary>Values of the answer. Shape: [images][elements].</summary>
    public required IReadOnlyList<float[]> Values { get; init; }

    /// <summary>Class indices of the images; null where they have none. Shape: [images].</summary>
    public required IReadOnlyList<int>? Labels { get; init; }

    /// <summary>Whether the answer is one vector an image.</summary>
    public bool IsVector => Answers.IsVector(End.Tensor);

    /// <summary>Values of a place: the classes, if it is that what they are.</summary>
    public int Count => Classes.Count;

    /// <summary>Runs the network on some of the images; null where it does not answer with one vector or map.</summary>
    /// <param name="answers">Its answers as the structure tells.</param>
    /// <param name="work">The images.</param>
    /// <param name="source">What errors call the network.</param>
    /// <exception cref="CladoException">An image cannot be used, or an answer is NaN or infinite.</exception>
    public static AnswerEvidence? Of(Answers answers, Workload work, OutputSource source)
    {
        var graph = answers.Graph;
        var end = answers.Vector();
        var maps = end is null && answers.Ends.Count == 1 ? ClassMaps.Of(answers) : null;
        if ((end ?? (maps is null ? null : answers.Ends[0])) is not { } looked)
        {
            return null;
        }
        string tensor = maps?[0].Tensor ?? looked.Output;
        int elements = checked((int)graph.Tensors[tensor].ElementCount);
        var readout = new Readout([tensor], [elements], new TaskDecision(NetworkTask.Regress, ""));
        var some = work.Limit(MostImages) with { Progress = null };
        var batches = some.Batches(graph, BatchSize.Of(graph));
        var values = new float[batches.Count][];
        using (var network = new ModelRunner(graph, readout, source))
        {
            some.SideBySide.For(batches.Count, index => values[index] = network.Run(batches.Load(index)));
        }
        return new AnswerEvidence(answers, looked, maps?[0].Classes ?? new ClassLayout(elements, 1, looked.Kind != EndKind.Sigmoid))
        {
            Values = [.. values.SelectMany(batch => batch.Chunk(elements))],
            Labels = some.Images.IsLabelled ? [.. some.Images.Items.Select(item => item.Label!.Value)] : null,
        };
    }

    /// <summary>The scores of every place of every image. Shape: [places][classes].</summary>
    public IEnumerable<float[]> Places()
    {
        var own = new float[Count];
        foreach (var image in Values)
        {
            for (int place = 0; place < image.Length / Count; place++)
            {
                int start = (place / Classes.Stride * Classes.Stride * Count) + (place % Classes.Stride);
                for (int k = 0; k < Count; k++)
                {
                    own[k] = image[start + (k * Classes.Stride)];
                }
                yield return own;
            }
        }
    }

    /// <summary>The class of the highest value of each image. Shape: [images].</summary>
    public int[] Highest() => [.. Values.Select(image => TensorPrimitives.IndexOfMax<float>(image))];
}
