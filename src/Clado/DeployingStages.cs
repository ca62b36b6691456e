using Clado.Activations;
using Clado.Allocation;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Tuning;

namespace Clado;

/// <summary>The stages from a choice to a file that was run and found sound.</summary>
/// <param name="run">The run.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
/// <param name="cancellation">Stops; nothing is left then.</param>
internal sealed class DeployingStages(MeasuredRun run, IProgress<StageProgress>? progress, CancellationToken cancellation)
{
    // A kernel that is wrong is wrong on every image; a file that is exported is looked at on more.
    internal const int ImagesToCompare = 32;

    /// <summary>Finds ranges, writes, checks and evaluates.</summary>
    /// <param name="allocation">The choice.</param>
    /// <param name="path">Destination.</param>
    /// <param name="evaluate">Whether the file is evaluated on the run's images.</param>
    public Deployment Deploy(AllocationResult allocation, string path, bool evaluate) =>
        Write(allocation, path, Activations.Find(allocation.Chosen), evaluate);

    /// <summary>The same, as refined where that loses less. Of the two files one at a time lies beside the destination.</summary>
    /// <param name="allocation">The choice.</param>
    /// <param name="path">Destination.</param>
    public Deployment DeployBetter(AllocationResult allocation, string path)
    {
        var activations = Activations.Find(allocation.Chosen);
        EvaluationResult evaluation;
        ActivationEffect? cost;
        using (var first = Write(allocation, path, activations, evaluate: true))
        {
            (evaluation, cost) = (first.Model.Evaluation!, first.Model.Activations);
        }
        var replaced = activations is null ? run.Graph : QdqInsertion.Of(run.Graph, activations);
        // What was predicted of the loss is of the codes before.
        var again = allocation with { Chosen = Refine(run, allocation.Chosen, replaced, On(StageNames.Refining)) };
        var refined = Deploy(again, path, evaluate: true);
        // Both were compared with the float model, so both have a loss.
        var effect = new RefinementEffect(evaluation.LossIncrease ?? double.NaN, refined.Model.Evaluation!.LossIncrease ?? double.NaN);
        if (effect.IsKept)
        {
            return refined.With(refined.Model with { Refinement = effect });
        }
        refined.Dispose();
        var former = Write(allocation, path, activations, evaluate: null);
        return former.With(former.Model with { Evaluation = evaluation, Refinement = effect, Activations = cost });
    }

    /// <summary>The same, rounded again and tuned as far as that loses less on images held back from both.</summary>
    /// <param name="allocation">The choice.</param>
    /// <param name="path">Destination.</param>
    /// <param name="evaluate">Whether the file is evaluated on the run's images.</param>
    /// <param name="options">How it is tuned.</param>
    public Deployment DeployTuned(AllocationResult allocation, string path, bool evaluate, TuningOptions options)
    {
        var activations = Activations.Find(allocation.Chosen);
        var (tuned, effect) = new TuningStages(run, progress, cancellation).Tune(allocation, activations, options);
        var deployment = effect.IsRefined ? Deploy(tuned, path, evaluate) : Write(allocation, path, activations, evaluate);
        return deployment.With(deployment.Model with { Tuning = effect });
    }

    /// <summary>The stages of activations.</summary>
    private ActivationStages Activations => new(run, progress, cancellation);

    /// <summary>Writes the model beside its destination and looks at it.</summary>
    /// <param name="allocation">The choice.</param>
    /// <param name="path">Destination.</param>
    /// <param name="activations">What is written of activations; null where they stay floats.</param>
    /// <param name="evaluate">
    /// Whether the file is evaluated on the run's images, or what activations cost is measured alone; null where all of that is known.
    /// </param>
    private Deployment Write(AllocationResult allocation, string path, QuantizedActivations? activations, bool? evaluate)
    {
        OnnxFile.ThrowIfLost(path, run.Graph.File);
        var staged = OnnxFile.Stage(ModelWriter.Build(run.Graph, allocation.Chosen, activations), path);
        try
        {
            run.FileSizeOf(activations?.Plan).Check(path, staged.SizeBytes, allocation.Chosen);
            var written = new WrittenModel(OnnxFile.Read(staged.Path), path, allocation.Chosen, activations);
            var parity = Compare(written, MeasuredRun.ImagesForParity);
            parity.ThrowIfBroken(path);
            var evaluation = evaluate is true ? Evaluate(staged.Path, path) : null;
            return new Deployment(staged, new DeployedModel(allocation with { SizeBytes = staged.SizeBytes }, path, parity)
            {
                Evaluation = evaluation,
                Activations = activations is null or { Plan.AreKept: true } || evaluate is null ? null
                    : Activations.Measure(written, activations, evaluation),
                Kept = run.KeptBy(activations?.Plan),
                FloatOperations = activations?.Plan.Kept ?? [],
            });
        }
        catch
        {
            staged.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The model that would be written of a choice, as it would be; one that computes something else than its bits say is refused.
    /// </summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="CladoException">It computes something else.</exception>
    public WrittenModel Sound(IReadOnlyList<Candidate> chosen, string name)
    {
        var activations = Activations.Find(chosen);
        var written = new WrittenModel(ModelWriter.Build(run.Graph, chosen, activations), name, chosen, activations);
        Compare(written, ImagesToCompare).ThrowIfBroken(name);
        return written;
    }

    /// <summary>Compares a model with its simulation.</summary>
    /// <param name="written">The model, as it is or would be written.</param>
    /// <param name="images">Images to run at most.</param>
    public ParityResult Compare(WrittenModel written, int images) =>
        ParityCheck.Run(run.Graph, written, run.Scales, ParityImages(images));

    /// <summary>
    /// Rounds every layer again, now that all widths are known: one after the other, each on the inputs that the layers before it leave it,
    /// to give the float network's outputs. Where activations are quantized, layers make good what that loses, too.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="network">The network that rounded layers run in: the float one, or the one with quantized activations.</param>
    /// <param name="work">The images.</param>
    /// <returns>The same widths and sizes with other codes. Shape: [layers].</returns>
    internal static IReadOnlyList<Candidate> Refine(MeasuredRun run, IReadOnlyList<Candidate> chosen, Graph network, Workload work)
    {
        var graph = run.Graph;
        IReadOnlyList<int>[] widths = [.. chosen.Select(c => (IReadOnlyList<int>)[.. (c.RowBits ?? [c.Bits]).Distinct().Order()])];
        Candidate Chosen(int layer, IReadOnlyList<Candidate> own) => chosen[layer].RowBits is { } rows
            ? MixedCandidates.Of(graph, own, rows) with { SizeBytes = chosen[layer].SizeBytes } : own[0];
        return CandidateMaker.MakeSequentially(graph, network, run.Layers, widths, new FeedbackRounding(), work, Chosen).Items;
    }

    /// <summary>Evaluates the file that has no name yet on the run's images, against the float model.</summary>
    private EvaluationResult Evaluate(string staged, string destination)
    {
        var reference = new ReferenceFile(run.Graph.File, run.Sensitivity.Loss, run.Scales)
        {
            Requantize = run.Requantizes,
            Decision = run.Graph.Decision,
        };
        return Evaluator.Evaluate(new EvaluatedFile(staged, destination), reference, run.Inputs, On(StageNames.Evaluating));
    }

    /// <summary>
    /// Images to compare a file and its simulation on; random numbers where they are not there.
    /// Weights show on any input, so what needs no images otherwise does not need them for this.
    /// </summary>
    private ParityInputs ParityImages(int limit)
    {
        const string Stage = StageNames.Comparing;
        try
        {
            return ParityInputs.Of(run.Graph, On(Stage).Limit(limit));
        }
        catch (CladoException e)
        {
            progress?.Report(new StageProgress($"{Stage} on random inputs", e.Message, null));
            return ParityInputs.Random(run.Graph, new(run.Resources.Threads, cancellation), StageShare.Begin(progress, Stage));
        }
    }

    private Workload On(string stage) => run.On(stage, progress, cancellation);
}
