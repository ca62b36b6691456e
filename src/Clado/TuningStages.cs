using Clado.Activations;
using Clado.Allocation;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Tuning;
using static System.FormattableString;

namespace Clado;

/// <summary>The stages from a choice to the same widths with better codes, scales and biases (docs/tuning.md).</summary>
/// <param name="run">The run.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
/// <param name="cancellation">Stops; epochs that are done are kept in the run folder.</param>
internal sealed class TuningStages(MeasuredRun run, IProgress<StageProgress>? progress, CancellationToken cancellation)
{
    /// <summary>Images that a network can be tuned on, at least: every fourth is held back, and few say nothing.</summary>
    internal const int FewestImages = 16;

    // Images a batch where losses are measured.
    private const int BatchSize = 8;

    /// <summary>Checks that there are images enough, and gradients.</summary>
    /// <param name="method">What is asked for.</param>
    /// <param name="space">The network and its layers.</param>
    /// <param name="images">How many images there are.</param>
    /// <exception cref="CladoException">There are not.</exception>
    internal static void Check(TuningMethod method, SearchSpace space, int images)
    {
        if (method == TuningMethod.None)
        {
            return;
        }
        if (images < FewestImages)
        {
            string name = method.ToString().ToLowerInvariant();
            throw new CladoException(Invariant(
                $"{Settings.Tune} {name}: {FewestImages} images are needed at least, every fourth to judge by; there are {images}"));
        }
        TunedNetwork.Check(space.Graph, space.Layers.Layers);
    }

    /// <summary>Rounds again on the images that are not held back, and tunes what comes out; the images held back decide.</summary>
    /// <param name="allocation">The choice.</param>
    /// <param name="activations">What is written of activations; null where they stay floats.</param>
    /// <param name="options">How it is tuned.</param>
    /// <returns>
    /// The best of all three, what is rounded again on all images then; what was predicted of the loss is of the codes before.
    /// </returns>
    /// <exception cref="CladoException">The run has too few images, or the network no gradients.</exception>
    public (AllocationResult Result, TuningEffect Effect) Tune(
        AllocationResult allocation, QuantizedActivations? activations, TuningOptions options)
    {
        var network = activations is null ? run.Graph : QdqInsertion.Of(run.Graph, activations);
        var refining = run.On(StageNames.Refining, progress, cancellation);
        IReadOnlyList<Candidate> Refine(ImageSet images) =>
            DeployingStages.Refine(run, allocation.Chosen, network, refining with { Images = images });
        var task = TaskOf(network, Refine(refining.Images.WithoutHeldBack()));
        double before = Losses(task, allocation.Chosen).Average();
        double[] start = Losses(task, task.Start);
        var (best, losses, blocks) = OfBlocks(task, start, options);
        int epochs = 0;
        if (options.NetworkEpochs > 0)
        {
            var whole = Part(task with { Start = best, Epochs = options.NetworkEpochs }, options, isFirst: blocks is null);
            string key = whole.Key();
            using var tuning = new NetworkTuning(whole);
            var state = tuning.Run(run.ReadTuning(whole, key), own => run.KeepTuning(own, key));
            (best, losses, epochs) = (whole.With(state.Chosen), state.Losses[1], state.Best);
        }
        var effect = new TuningEffect(before, start.Average(), losses.Average(), LossGain.Of(losses, start), epochs) { Blocks = blocks };
        // What is not tuned has nothing to be held back from.
        var chosen = effect.IsKept ? best : effect.IsRefined ? Refine(refining.Images) : allocation.Chosen;
        return (allocation with { Chosen = chosen }, effect);
    }

    private TuningTask TaskOf(Graph network, IReadOnlyList<Candidate> start)
    {
        var work = run.On(StageNames.Tuning, progress, cancellation);
        var task = new TuningTask(
            run.Graph, network, start, work with { Images = work.Images.WithoutHeldBack() },
            work with { Images = work.Images.HeldBack(), Progress = null })
        {
            Loss = run.Sensitivity.Loss,
            Scales = run.Scales,
        };
        return task.Tuned.Count > 0 ? task : throw new CladoException(
            $"{Path.GetFileName(run.Graph.File)}: has no layer whose codes can be tuned; leave {Settings.Tune} out");
    }

    /// <summary>Tunes block by block, if that is asked for: the better of both on the images held back, and its losses there.</summary>
    private (IReadOnlyList<Candidate> Best, double[] Losses, BlockEffect? Effect) OfBlocks(
        TuningTask task, double[] start, TuningOptions options)
    {
        if (options.BlockEpochs == 0)
        {
            return (task.Start, start, null);
        }
        var tuning = new BlockTuning(Part(task with { Epochs = options.BlockEpochs }, options, isFirst: true));
        string key = tuning.Key();
        var state = tuning.Run(run.ReadBlocks(task, key, tuning.Blocks.Count), own => run.KeepBlocks(own, key));
        var chosen = task.With(state.Chosen);
        double[] losses = Losses(task, chosen);
        var effect = new BlockEffect(tuning.Blocks.Count, state.Better, losses.Average());
        return losses.Average() < start.Average() ? (chosen, losses, effect) : (task.Start, start, effect);
    }

    /// <summary>A task that is told of as its part of tuning.</summary>
    private static TuningTask Part(TuningTask task, TuningOptions options, bool isFirst)
    {
        double whole = options.ExpectedPasses, last = options.NetworkEpochs * NetworkTuning.PassesPerEpoch / whole;
        var progress = isFirst ? PartOfProgress.Of(task.Images.Progress, 0, options.BlockEpochs > 0 ? 1 - last : 1)
            : PartOfProgress.Of(task.Images.Progress, 1 - last, last);
        return task with { Images = task.Images with { Progress = progress } };
    }

    /// <summary>What a choice loses on the images held back. Shape: [images].</summary>
    private static double[] Losses(TuningTask task, IReadOnlyList<Candidate> chosen)
    {
        var judge = new NetworkLosses(task.Graph, task.Loss, task.Scales, task.HeldBack);
        using var runner = judge.Runner(FakeQuantizedGraph.Of(task.Network, chosen), OutputSource.Quantized(task.Graph.File));
        return judge.Measure([runner], BatchSize, null)[0];
    }
}
