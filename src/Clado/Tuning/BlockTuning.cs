using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Tuning;

/// <summary>
/// Tunes codes, scales and biases block by block, each to give what it gives in the float network from what the blocks before leave of the
/// images (BRECQ, arXiv 2102.05426; docs/tuning.md). On images that were held back each block tells whether it is better.
/// </summary>
internal sealed class BlockTuning
{
    /// <summary>Passes that an epoch of all blocks costs: forward, and back twice that.</summary>
    public const int PassesPerEpoch = 4;

    /// <summary>Passes beside: what images are at the blocks, in both networks, as they are and moved, and what outputs matter.</summary>
    public const int OtherPasses = 10;

    // Times that every image comes, as it is and moved, as far as memory holds them.
    private const int MostVersions = 4;

    // Images whose gradients tell what outputs matter.
    private const int ImagesForImportance = 256;

    // Images a step, and of those how many run at once: what is summed in which order does not depend on the number of threads.
    private const int BatchSize = 16;
    private const int ImagesAtOnce = 8;

    // Steps until the rate is at its largest.
    private const int WarmUp = 10;

    // Of all steps: when codes begin to be driven to points of the grid, and when they are there and scales follow.
    private const float Driven = 0.2f;
    private const float Decided = 0.85f;

    // How strongly codes are driven at last: three steps of the optimizer.
    private const float LargestForce = 3;

    // The rate falls with a cosine, as far as this part of half a period: codes that are driven to their ends need some of it.
    private const float Falling = 0.8f;

    // Seeds of one block's epochs lie apart from those of the next.
    private const int SeedsPerBlock = 1 << 16;

    private readonly TuningTask task;
    private readonly Graph network;
    private readonly IReadOnlyList<Candidate> tuned;
    private readonly float[][] weights;
    private readonly int versions;

    /// <summary>Finds the blocks.</summary>
    /// <param name="task">What is tuned.</param>
    public BlockTuning(TuningTask task)
    {
        (this.task, network, tuned) = (task, LocalFunctions.Inlined(task.Network), task.Tuned);
        weights = [.. tuned.Select(layer => TensorData.ReadSingles(task.Graph.File, task.Graph.Initializers[layer.Layer.Weight]))];
        Blocks = TunedBlock.Of(task.Graph, network, Readout.Of(task.Graph), [.. tuned.Select(layer => layer.Layer)]);
        versions = Enumerable.Range(1, Math.Min(MostVersions, task.Epochs)).Reverse()
            .FirstOrDefault(count => BlockImages.Fit(task.Graph, Blocks, task.Images, count), 1);
    }

    /// <summary>The blocks. Shape: [blocks].</summary>
    public IReadOnlyList<TunedBlock> Blocks { get; }

    /// <summary>Names what comes out.</summary>
    public string Key() => FormattableString.Invariant($"blocks {versions} {task.Key()}");

    /// <summary>Tunes, or goes on.</summary>
    /// <param name="from">Where it stands; null at the beginning.</param>
    /// <param name="keep">Is given the state after every block.</param>
    /// <returns>The state after the last block.</returns>
    /// <exception cref="CladoException">An output is NaN or infinite, or an operator has no gradient.</exception>
    public BlockState Run(BlockState? from, Action<BlockState> keep)
    {
        var state = from ?? new BlockState(tuned, []);
        if (state.Errors.Count == Blocks.Count)
        {
            return state;
        }
        string[] ends = [.. Blocks.SelectMany(block => block.To).Distinct()];
        var importance = ends.Zip(
            OutputImportance.Of(task, ends, task.Images.Limit(ImagesForImportance)), KeyValuePair.Create).ToDictionary();
        using var images = new BlockImages(
            task.Graph, Blocks, task.Images with { Images = task.Images.Images.AndMoved(versions - 1) });
        using var heldBack = new BlockImages(task.Graph, Blocks, task.HeldBack);
        for (int index = 0; index < Blocks.Count; index++)
        {
            // Blocks before have the codes that they keep, whichever they are; this one and those behind do not matter yet.
            var now = FakeQuantizedGraph.Of(network, task.With(state.Chosen));
            images.Advance(now);
            heldBack.Advance(now);
            if (index < state.Errors.Count)
            {
                continue;
            }
            using var block = new BlockNetwork(now, Blocks[index], tuned, [.. Blocks[index].To.Select(name => importance[name])]);
            state = Judged(state, Learned(block, images, index), block, heldBack, Blocks[index]);
            keep(state);
        }
        return state;
    }

    /// <summary>What is better on the images held back.</summary>
    private BlockState Judged(
        BlockState state, IReadOnlyList<Candidate> learned, BlockNetwork block, BlockImages heldBack, TunedBlock place)
    {
        Candidate[] chosen = [.. state.Chosen];
        foreach (var (layer, own) in place.Layers.Zip(learned))
        {
            chosen[layer] = own;
        }
        double Error(IEnumerable<int> layers, IReadOnlyList<Candidate> of)
        {
            using var values = TensorFeed.Constants(
                layers.Select(layer => (of[layer], of[layer].Dequantize(), of[layer].Bias)));
            var errors = new double[heldBack.Count];
            task.Images.SideBySide.For(errors.Length, i => errors[i] = block.Error(heldBack.Batch([i]), values));
            return errors.Average();
        }
        double[] both = [Error(place.Layers, state.Chosen), Error(place.Layers, chosen)];
        return new BlockState(both[1] < both[0] ? chosen : state.Chosen, [.. state.Errors, both]);
    }

    private Candidate[] Learned(BlockNetwork block, BlockImages images, int index)
    {
        LearnedRounding[] layers = [.. Blocks[index].Layers.Select(layer => new LearnedRounding(tuned[layer], weights[layer]))];
        int count = images.Count / versions, size = Math.Min(BatchSize, count), perEpoch = count / size, steps = perEpoch * task.Epochs;
        double macs = Blocks.Sum(MacsOf), before = Blocks.Take(index).Sum(MacsOf);
        int[] order = [];
        for (int step = 0; step < steps; step++)
        {
            var (epoch, at) = Math.DivRem(step, perEpoch);
            if (at == 0)
            {
                // Every image comes in one version after the other.
                order = [.. Enumerable.Range(0, count).Select(image => ((image + epoch) % versions * count) + image)];
                new Random((index * SeedsPerBlock) + epoch).Shuffle(order);
            }
            var learning = Step(step, steps);
            if (step == learning.Decided)
            {
                Array.ForEach(layers, layer => layer.Decide());
            }
            var gradients = Gradients(block, layers, images, order.AsMemory(at * size, size));
            task.Images.SideBySide.For(layers.Length, i => layers[i].Step(gradients[i].Weight, gradients[i].Bias, learning));
            task.Images.Progress?.Report((before + (MacsOf(Blocks[index]) * (step + 1) / steps)) / macs);
        }
        return [.. layers.Select(layer => layer.Rounded())];
    }

    private static LearningStep Step(int step, int steps)
    {
        int decided = (int)(Decided * steps);
        if (step >= decided)
        {
            return new LearningStep(step + 1, decided, 1 - ((float)(step - decided) / (steps - decided)), 0);
        }
        float done = (float)step / decided, driven = Math.Max(0, (done - Driven) / (1 - Driven));
        float rate = 0.5f * (1 + MathF.Cos(MathF.PI * Falling * done)) * Math.Min(1, (step + 1f) / WarmUp);
        return new LearningStep(step + 1, decided, rate, LargestForce * driven * driven);
    }

    /// <summary>Gradients summed over some images, which run a few at a time. Shape: [layers].</summary>
    private (float[] Weight, float[] Bias)[] Gradients(
        BlockNetwork block, LearnedRounding[] layers, BlockImages images, ReadOnlyMemory<int> positions)
    {
        using var values = TensorFeed.Constants(layers.Select(layer => (layer.Start, layer.Weights(), layer.Biases())));
        int atOnce = network.HasFreeBatch ? ImagesAtOnce : 1, count = positions.Length;
        var parts = new (float[] Weight, float[] Bias)[(count + atOnce - 1) / atOnce][];
        task.Images.SideBySide.For(parts.Length, part =>
        {
            int first = part * atOnce;
            parts[part] = block.Gradients(images.Batch(positions.Span.Slice(first, Math.Min(atOnce, count - first))), values);
        });
        return TunedNetwork.Sum(parts);
    }

    private double MacsOf(TunedBlock block) => Math.Max(1, block.Layers.Sum(layer => tuned[layer].Layer.Macs));
}
