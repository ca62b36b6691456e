using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado.Evaluation;

/// <summary>
/// What a file and its simulation are run on. That is images of the run or, where those are not there any more, random numbers:
/// any weights show on them, too.
/// </summary>
internal sealed class ParityInputs
{
    private const int RandomInputs = 32;

    private readonly Func<int, ImageBatch> load;

    private ParityInputs(int count, Func<int, ImageBatch> load, SideBySide sideBySide) =>
        (Count, this.load, SideBySide) = (count, load, sideBySide);

    /// <summary>Whether they are images.</summary>
    public bool AreImages { get; private init; }

    /// <summary>Number of batches.</summary>
    public int Count { get; }

    /// <summary>Runs batches side by side until stopped; results do not depend on how many.</summary>
    public SideBySide SideBySide { get; }

    /// <summary>Receives the share done. Range: [0, 1].</summary>
    public IProgress<double>? Progress { get; private init; }

    /// <summary>Images.</summary>
    /// <param name="graph">The network that takes them.</param>
    /// <param name="work">The images.</param>
    public static ParityInputs Of(Graph graph, Workload work)
    {
        var batches = work.Batches(graph, BatchSize.Of(graph));
        return new(batches.Count, batches.Load, work.SideBySide) { AreImages = true, Progress = work.Progress };
    }

    /// <summary>Random numbers.</summary>
    /// <param name="graph">The network that takes them.</param>
    /// <param name="sideBySide">Runs batches.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    public static ParityInputs Random(Graph graph, SideBySide sideBySide, IProgress<double>? progress)
    {
        int images = graph.HasFreeBatch ? Math.Min(RandomInputs, BatchSize.Of(graph)) : 1;
        long[] shape = graph.InputShape.Of(images);
        ImageBatch Batch(int index) => new(index, graph.Inputs, RandomPixels.Of(graph.Inputs, shape, index), shape, [], null);
        return new((RandomInputs + images - 1) / images, Batch, sideBySide) { Progress = progress };
    }

    /// <summary>Gives a batch.</summary>
    public ImageBatch Load(int index) => load(index);
}
