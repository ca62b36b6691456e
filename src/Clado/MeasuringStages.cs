using System.Diagnostics;
using Clado.Activations;
using Clado.Candidates;
using Clado.Equalization;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Packing;
using Clado.Records;
using Clado.Rounding;
using Clado.Runs;
using Clado.Sensitivity;

namespace Clado;

/// <summary>The stages of a measurement. Each gives what the run folder has of its product; what is not there is made, and kept.</summary>
/// <param name="prepared">What is measured.</param>
/// <param name="folder">The run folder.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
/// <param name="cancellation">Stops; what is finished is kept.</param>
internal sealed partial class MeasuringStages(
    PreparedRun prepared, RunFolder folder, IProgress<StageProgress>? progress, CancellationToken cancellation)
{
    private readonly PipelineOptions options = prepared.Options;
    private readonly IRounding rounding = RoundingMethods.Named(prepared.Options.Rounding);

    /// <summary>
    /// Decodes all images, where the run is new: one that cannot be used is found before there is a folder that others would not fit.
    /// </summary>
    public void CheckImages()
    {
        if (folder.IsNew)
        {
            ImageBatches.Check(prepared.Space.Graph, On(StageNames.Checking));
        }
    }

    /// <summary>The network with channels scaled, where that is asked for, and its layers.</summary>
    public SearchSpace Equalize()
    {
        var space = prepared.Space;
        if (options.Equalize)
        {
            var (graph, pairs) = (space.Graph, PairFinder.Find(space.Graph, LayerFinder.Find(space.Graph).Layers));
            var scalings = folder.ReadScalings();
            if (scalings is null)
            {
                int middle = options.Bits[options.Bits.Count / 2];
                scalings = Equalizer.Choose(graph, pairs, rounding, middle, On(StageNames.Equalizing));
                folder.WriteScalings(scalings);
            }
            var scaled = SearchSpace.Of(Equalized(graph, pairs, scalings, folder), options.Bits, options.Pins);
            space = CompactForms.Of(scaled with { Float = space.Float }, options.KeepNames);
        }
        folder.WriteLayers(space.Layers);
        return space;
    }

    /// <summary>The units of the outputs, of the float network and all images; null where the loss needs none. Shape: [outputs].</summary>
    /// <param name="graph">The network.</param>
    public IReadOnlyList<OutputScale>? MeasureScales(Graph graph)
    {
        if (!LossKind.Of(Readout.Of(graph), options.Sensitivity.Loss).NeedsScales)
        {
            return null;
        }
        var scales = folder.ReadScales();
        if (scales is null)
        {
            scales = ScaleMeasurement.Measure(graph, On(StageNames.Outputs) with { Provider = options.Provider });
            folder.WriteScales(scales);
        }
        return scales;
    }

    /// <summary>Every layer at each of its widths.</summary>
    /// <param name="space">The layers.</param>
    public CandidateSet Round(SearchSpace space)
    {
        var (graph, layers, widths) = (space.Graph, space.Layers.Layers, space.Widths);
        var candidates = folder.ReadCandidates(layers, widths)?.WrittenFor(graph);
        if (candidates is not null && !CompactForms.Hold(graph, candidates))
        {
            throw new RunFolderException(
                folder.FolderPath, "has scales or biases of a form that this version does not measure with; give another folder with "
                    + Settings.Run);
        }
        if (candidates is null)
        {
            candidates = options.RoundsSequentially
                ? CandidateMaker.MakeSequentially(graph, graph, layers, widths, rounding, On(StageNames.Rounding))
                : CandidateMaker.Make(graph, layers, widths, rounding, On(StageNames.Rounding));
            folder.WriteCandidates(candidates);
        }
        folder.WriteProfiles(() => LayerProfile.Of(graph, candidates));
        return candidates;
    }

    /// <summary>The network whose losses are measured: the one searched, its activations rounded where that is asked for.</summary>
    /// <param name="space">The layers.</param>
    public Graph RoundActivations(SearchSpace space)
    {
        if (space.Graph.ActivationGrids > 0)
        {
            // They are rounded already.
            return space.Graph;
        }
        var plan = ActivationPlan.Of(space.Graph, space.Layers.Layers);
        if (options.MeasuredActivations == ActivationFormat.Int8 && folder.ReadRanges(plan.Ranges.Count) is null)
        {
            folder.WriteRanges(RangeMeasurement.Measure(
                space.Graph, plan, new ActivationOptions().Ranges, On(StageNames.ActivationRanges).Limit(MeasuredRun.ImagesForRanges)));
        }
        return NetworkToMeasure(space, folder);
    }

    /// <summary>The matrix.</summary>
    /// <param name="network">The network whose losses are measured.</param>
    /// <param name="candidates">The rows of the matrix.</param>
    /// <param name="scales">Units of the outputs. Shape: [outputs].</param>
    public SensitivityMatrix MeasureSensitivity(Graph network, CandidateSet candidates, IReadOnlyList<OutputScale>? scales)
    {
        if (folder.IsMeasured(candidates))
        {
            folder.CheckRecords();
            if (folder.ReadSensitivity().BatchSize is { } known)
            {
                // Where the description was damaged, and is written again.
                _ = folder.BatchSize(() => known);
            }
        }
        else
        {
            var ledger = new PassLedger();
            var work = On(null) with
            {
                Images = options.Sensitivity.Seen(prepared.Images),
                Provider = options.Provider,
                Ledger = ledger,
            };
            var inputs = new MeasurementInputs(network, candidates, work) { Scales = scales, Rows = options.MeasuresRows };
            // Chosen once, by the machine that begins: it may change last bits.
            int batchSize = folder.BatchSize(() => new MeasurementTask(inputs, [], options.Sensitivity).BatchSize());
            inputs = inputs with { BatchSize = batchSize };
            using var records = folder.OpenRecords(mustKeep: true);
            var clock = Stopwatch.StartNew();
            var checks = Check(inputs with { Rows = false }, records);
            inputs = inputs with
            {
                Work = work with { Progress = StageShare.Begin(progress, StageNames.Measuring) },
                Forward = GradientChecks.Forward(candidates, checks, []),
            };
            var matrix = SampledForward.Measure(inputs, [], options.Sensitivity, records) with { Checks = checks };
            folder.WriteSensitivity(matrix, candidates);
            MeasuredRun.NoteCost(records, clock.Elapsed, ledger);
        }
        return folder.ReadSensitivity();
    }

    /// <summary>What forward passes say of gradients, where the estimator is auto and the network has some. Shape: [widths].</summary>
    private IReadOnlyList<GradientCheck> Check(MeasurementInputs inputs, IRecordStore records)
    {
        if (!options.Sensitivity.IsAutomatic || new MeasurementTask(inputs, [], options.Sensitivity).Estimator is not FisherEstimator)
        {
            return [];
        }
        var work = inputs.Work with { Progress = StageShare.Begin(progress, StageNames.Gradients) };
        return GradientChecks.Measure(inputs with { Work = work }, options.Sensitivity, records);
    }

    /// <summary>The network whose losses are measured, as the run folder has it.</summary>
    /// <param name="space">The layers.</param>
    /// <param name="folder">The run folder.</param>
    public static Graph NetworkToMeasure(SearchSpace space, RunFolder folder)
    {
        var plan = ActivationPlan.Of(space.Graph, space.Layers.Layers);
        return space.Graph.ActivationGrids == 0 && folder.ReadRanges(plan.Ranges.Count) is { } ranges
            ? QdqInsertion.Of(space.Graph, new QuantizedActivations(plan, ranges))
            : space.Graph;
    }

    /// <summary>The network with channels scaled.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="pairs">Its tensors that may be scaled. Shape: [pairs].</param>
    /// <param name="scalings">How they are scaled. Shape: [scaled tensors].</param>
    /// <param name="folder">The run folder these come from.</param>
    /// <exception cref="RunFolderException">A scaling is of a tensor that the network does not have.</exception>
    public static Graph Equalized(
        Graph graph, IReadOnlyList<ChannelPair> pairs, IReadOnlyList<ChannelScaling> scalings, RunFolder folder)
    {
        var stranger = scalings.FirstOrDefault(s => !pairs.Any(p => p.Tensor == s.Tensor && p.Channels == s.Factors.Count));
        return stranger is null
            ? EqualizedGraph.Of(graph, pairs, scalings)
            : throw new RunFolderException(
                folder.FolderPath,
                $"scales {stranger.Factors.Count} channels of '{stranger.Tensor}', which the model does not have; "
                + "remove the folder and measure again");
    }

    private Workload On(string? stage) => new(prepared.Images, options.Preprocessing)
    {
        Resources = options.Resources,
        Progress = stage is null ? null : StageShare.Begin(progress, stage),
        Cancellation = cancellation,
    };
}
