using Clado.Activations;
using Clado.Allocation;
using Clado.Candidates;
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
            throw new CladoException(Invariant(
                $"{Settings.Tune} network: {FewestImages} images are needed at least, every fourth to judge by; there are {images}"));
        }
        TunedNetwork.Check(space.Graph, space.Layers.Layers);
    }

    /// <summary>Rounds again on the images that are not held back, and tunes what comes out; the images held back decide.</summary>
    /// <param name="allocation">The choice.</param>
    /// <param name="activations">What is written of activations; null where they stay floats.</param>
    /// <returns>
    /// The best of all three, what is rounded again on all images then; what was predicted of the loss is of the codes before.
    /// </returns>
    /// <exception cref="CladoException">The run has too few images, or the network no gradients.</exception>
    public (AllocationResult Result, TuningEffect Effect) Tune(AllocationResult allocation, QuantizedActivations? activations)
    {
        var work = run.On(StageNames.Tuning, progress, cancellation);
        var network = activations is null ? run.Graph : QdqInsertion.Of(run.Graph, activations);
        var refining = run.On(StageNames.Refining, progress, cancellation);
        IReadOnlyList<Candidate> Refine(ImageSet images) =>
            DeployingStages.Refine(run, allocation.Chosen, network, refining with { Images = images });
        var start = Refine(refining.Images.WithoutHeldBack());
        var task = new TuningTask(
            run.Graph, network, start, work with { Images = work.Images.WithoutHeldBack() },
            work with { Images = work.Images.HeldBack(), Progress = null })
        {
            Loss = run.Sensitivity.Loss,
            Scales = run.Scales,
        };
        if (task.Tuned.Count == 0)
        {
            throw new CladoException(
                $"{Path.GetFileName(run.Graph.File)}: has no layer whose codes can be tuned; leave {Settings.Tune} out");
        }
        double before = Losses(task, allocation.Chosen).Average();
        var state = Tune(task);
        var gain = LossGain.Of(state.Losses[1], state.Losses[0]);
        var effect = new TuningEffect(before, state.Losses[0].Average(), state.Losses[1].Average(), gain, state.Best);
        // What is not tuned has nothing to be held back from.
        var chosen = effect.IsKept ? task.With(state.Chosen) : effect.IsRefined ? Refine(refining.Images) : allocation.Chosen;
        return (allocation with { Chosen = chosen }, effect);
    }

    private TuningState Tune(TuningTask task)
    {
        string key = task.Key();
        using var tuning = new NetworkTuning(task);
        return tuning.Run(run.ReadTuning(task, key), state => run.KeepTuning(state, key));
    }

    /// <summary>What a choice loses on the images held back. Shape: [images].</summary>
    private static double[] Losses(TuningTask task, IReadOnlyList<Candidate> chosen)
    {
        var judge = new NetworkLosses(task.Graph, task.Loss, task.Scales, task.HeldBack);
        using var runner = judge.Runner(FakeQuantizedGraph.Of(task.Network, chosen), OutputSource.Quantized(task.Graph.File));
        return judge.Measure([runner], BatchSize, null)[0];
    }
}
