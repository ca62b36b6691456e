using System.Diagnostics;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado.Metrics;

/// <summary>What a metric works with: a network, its layers at their widths, images. It counts what is run.</summary>
public sealed class MetricContext
{
    // Threads add up what they ran in any order.
    private const int PassesDigits = 6;

    private readonly Lock gate = new();
    private readonly Lazy<NetworkCuts> cuts;
    private readonly IRecordStore records;
    private readonly PassLedger ledger = new();
    private double passes;

    /// <summary>Brings it together.</summary>
    /// <param name="inputs">Network, candidates and images.</param>
    /// <param name="options">The run's estimator and loss.</param>
    /// <param name="records">Finished units: read and added to.</param>
    internal MetricContext(MeasurementInputs inputs, SensitivityOptions options, IRecordStore records)
    {
        (Options, this.records) = (options, records);
        Inputs = inputs with { Work = inputs.Work with { Ledger = ledger } };
        Readout = Readout.Of(inputs.Graph);
        cuts = new(() => new NetworkCuts(inputs.Graph, inputs.Candidates.Layers, Readout));
    }

    /// <summary>Every layer at each of its widths, layer by layer, widths ascending. Shape: [candidates].</summary>
    public IReadOnlyList<Candidate> Candidates => Inputs.Candidates.Items;

    /// <summary>The layers, in the order of execution. Shape: [layers].</summary>
    public IReadOnlyList<QuantizableLayer> Layers => Inputs.Candidates.Layers;

    /// <summary>Full passes over the run's images that were run so far. Range: [0, inf).</summary>
    public double Passes => Math.Round(passes + (ledger.ImagePasses / Inputs.Work.Images.Items.Count), PassesDigits);

    /// <summary>What it needed that others may need too; passes of its own are under the name given.</summary>
    /// <param name="name">Name of the metric.</param>
    internal PassLedger Units(string name)
    {
        var units = new PassLedger();
        units.Add(ledger);
        units.Add($"metric/{name}", Math.Round(passes, PassesDigits) * Inputs.Work.Images.Items.Count);
        return units;
    }

    /// <summary>Seconds that another metric took for what this one was given of it. Range: [0, inf).</summary>
    internal double SecondsGiven { get; private set; }

    /// <summary>Stops; a metric that takes long asks now and then.</summary>
    public CancellationToken Cancellation => Inputs.Work.Cancellation;

    /// <summary>Network, candidates and images.</summary>
    internal MeasurementInputs Inputs { get; }

    /// <summary>The run's estimator and loss.</summary>
    internal SensitivityOptions Options { get; }

    /// <summary>The network.</summary>
    internal Graph Graph => Inputs.Graph;

    /// <summary>Where it is read.</summary>
    internal Readout Readout { get; }

    /// <summary>Its layers, and what follows them.</summary>
    internal NetworkCuts Cuts => cuts.Value;

    /// <summary>Position of each candidate's layer among <see cref="Layers"/>. Shape: [candidates].</summary>
    internal int[] LayerOf => Inputs.Candidates.LayerOf;

    /// <summary>What runs again when a layer changes, as a share of the network.</summary>
    /// <param name="layer">Position of the layer.</param>
    internal double SuffixShare(int layer) => Cuts.Suffixes[layer].Macs / (double)Math.Max(1, Cuts.Macs);

    /// <summary>Whether images have labels, and the network gives one class of which they are.</summary>
    internal bool HasLabels => Inputs.Work.Images.IsLabelled && Readout.HasOneRightClass;

    /// <summary>The float weights of a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <returns>In the weight's order. Shape: [parameters].</returns>
    public float[] Weights(QuantizableLayer layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return TensorData.ReadSingles(Graph.File, Graph.Initializers[layer.Weight]);
    }

    /// <summary>Runs networks with some layers quantized, all others in floats, on the run's images.</summary>
    /// <param name="choices">Candidates of each network, at most one a layer. Shape: [networks][candidates].</param>
    /// <returns>Mean loss increase over the float network, in the unit of the run's loss. Shape: [networks].</returns>
    /// <exception cref="CladoException">An output is NaN or infinite.</exception>
    public IReadOnlyList<double> LossIncreases(IReadOnlyList<IReadOnlyList<Candidate>> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        var losses = new NetworkLosses(Graph, Options.Loss, Inputs.Scales, Inputs.Work);
        var source = OutputSource.Quantized(Graph.File);
        var work = new WorkProgress((double)choices.Count * Inputs.Work.Images.Items.Count, Inputs.Work.Progress);
        var (together, batchSize) = MemoryPlan.OfWhole(Graph, Inputs.Work.MemoryBytes, Inputs.Work.Provider);
        var means = new List<double>(choices.Count);
        foreach (var group in choices.Chunk(together))
        {
            using var networks = new OwnedList<ModelRunner>(
                group.Select(chosen => losses.Runner(FakeQuantizedGraph.Of(Graph, chosen), source)));
            means.AddRange(losses.Measure(networks, batchSize, work).Select(own => own.Average()));
            Count(1 + group.Length);
        }
        return means;
    }

    /// <summary>Tells how far the metric is.</summary>
    /// <param name="share">Share done. Range: [0, 1].</param>
    public void Report(double share) => Inputs.Work.Progress?.Report(share);

    /// <summary>Counts what was run.</summary>
    /// <param name="passes">Full passes over all images of the run.</param>
    internal void Count(double passes)
    {
        lock (gate)
        {
            this.passes += passes;
        }
    }

    /// <summary>Counts passes over some images.</summary>
    /// <param name="passes">Full passes of the network.</param>
    /// <param name="images">Images they were over.</param>
    internal void Count(double passes, int images) => Count(passes * images / Inputs.Work.Images.Items.Count);

    /// <summary>The float matrix of one of Clado's estimators. Its finished units are records of their own.</summary>
    /// <param name="estimator">Name of the estimator.</param>
    /// <param name="loss">Name of the loss; null for the run's.</param>
    internal SensitivityMatrix Estimate(string estimator, string? loss = null)
    {
        var (inputs, options) = ToEstimate(estimator, loss);
        SensitivityMatrix? matrix = null;
        double[] took = records.GetOrAdd<double>($"{inputs.Part}seconds", () =>
        {
            var clock = Stopwatch.StartNew();
            matrix = SensitivityMeasurement.Measure(inputs, [], options, records);
            return [clock.Elapsed.TotalSeconds];
        });
        SecondsGiven += matrix is null ? took[0] : 0;
        return matrix ?? SensitivityMeasurement.Measure(inputs, [], options, records);
    }

    /// <summary>What that takes, in full passes.</summary>
    /// <param name="estimator">Name of the estimator.</param>
    internal double PassesOf(string estimator)
    {
        var (inputs, options) = ToEstimate(estimator);
        return MeasurementPlan.PassesOf(inputs, options, isAround: false);
    }

    /// <summary>
    /// What several metrics are made of: measured by the first that asks. Passes and seconds are those of each, as if it stood
    /// alone.
    /// </summary>
    /// <param name="key">Name of the quantity.</param>
    /// <param name="count">Numbers it has.</param>
    /// <param name="measure">Measures it. Shape: [numbers].</param>
    /// <returns>Shape: [numbers].</returns>
    internal double[] Shared(string key, int count, Func<double[]> measure)
    {
        bool isNew = false;
        double[] found = records.GetOrAdd<double>(
            $"metric/of-several/{key}",
            () =>
            {
                (isNew, double before, var clock) = (true, passes, Stopwatch.StartNew());
                double[] values = measure();
                double own = passes - before;
                passes = before;
                return [own, clock.Elapsed.TotalSeconds, .. values];
            },
            count + 2);
        ledger.Add($"metric/of-several/{key}", Math.Round(found[0], PassesDigits) * Inputs.Work.Images.Items.Count);
        SecondsGiven += isNew ? 0 : found[1];
        return found[2..];
    }

    /// <summary>Name of the loss: that of the papers, cross-entropy, where there are labels; else the run's.</summary>
    internal string? TrainingLoss => HasLabels ? LossKind.CrossEntropy.Name : Options.Loss;

    /// <summary>The first so many of the run's images, which are drawn already, one a batch.</summary>
    /// <param name="count">Images at most.</param>
    internal IReadOnlyList<ImageBatch> Images(int count)
    {
        var work = Inputs.Work.Limit(count);
        var batches = work.Batches(Graph, 1);
        return [.. Enumerable.Range(0, batches.Count).Select(batches.Load)];
    }

    private (MeasurementInputs Inputs, SensitivityOptions Options) ToEstimate(string estimator, string? loss = null)
    {
        var own = LossKind.Of(Readout, loss ?? Options.Loss).Name;
        var inputs = Inputs with { Part = $"metric/{estimator}/{own}/", BatchSize = null, Forward = [] };
        return (inputs, Options with { Estimator = estimator, Loss = own });
    }
}
