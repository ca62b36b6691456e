using Clado.Graphs;
using Clado.Images;

namespace Clado.Evaluation;

/// <summary>What a file and its simulation are run on: images of the run or, where those are not there any more, random numbers, which any weights show on, too.</summary>
internal sealed class ParityInputs
{
    private const int BatchSize = 32;
    private const int RandomInputs = 32;

    private readonly Func<int, ImageBatch> load;

    private ParityInputs(bool areImages, int count, Func<int, ImageBatch> load) => (AreImages, Count, this.load) = (areImages, count, load);

    /// <summary>Whether they are images.</summary>
    public bool AreImages { get; }

    /// <summary>Number of batches.</summary>
    public int Count { get; }

    /// <summary>Images.</summary>
    public static ParityInputs Of(ImageSet images, Graph graph, Preprocessing preprocessing)
    {
        var batches = new ImageBatches(images, graph, preprocessing, BatchSize);
        return new(true, batches.Count, batches.Load);
    }

    /// <summary>Random numbers.</summary>
    public static ParityInputs Random(Graph graph)
    {
        int batch = graph.HasFreeBatch ? RandomInputs : 1;
        long[] shape = [batch, .. graph.Tensors[graph.Input].Shape.Skip(1)];
        return new(false, RandomInputs / batch, index => new ImageBatch(index, graph.Inputs, RandomPixels.Of(shape, index), shape, [], null));
    }

    /// <summary>Gives a batch.</summary>
    public ImageBatch Load(int index) => load(index);
}
