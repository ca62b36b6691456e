using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Records;

namespace Clado.Sensitivity;

/// <summary>How sensitivities are measured.</summary>
public sealed record SensitivityOptions
{
    /// <summary>Names of the estimators. Shape: [names].</summary>
    public static IReadOnlyList<string> Estimators { get; } = ["auto", "additive", "pairwise", "block", "diagonal"];

    /// <summary>Names of the losses. Shape: [names].</summary>
    public static IReadOnlyList<string> Losses { get; } = ["kl", "ce", "mse"];

    /// <summary>One of <see cref="Estimators"/>; auto measures additively and holds every fourth image back, to judge choices with.</summary>
    public string Estimator { get; init => field = OneOf(Estimators, value); } = "auto";

    /// <summary>Whether several surrogates are tried on the network.</summary>
    internal bool IsAutomatic => Estimator == "auto";

    /// <summary>The images that surrogates are measured on.</summary>
    internal ImageSet Seen(ImageSet images) => IsAutomatic ? images.Measured() : images;

    /// <summary>One of <see cref="Losses"/>; null for kl where the network is a classifier and mse elsewhere.</summary>
    public string? Loss { get; init => field = value is null ? null : OneOf(Losses, value); }

    /// <summary>Passes side by side; results do not depend on it. Range: [1, inf).</summary>
    public int Threads
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = Environment.ProcessorCount;

    /// <summary>Memory the measurement may take, in bytes; batches and kept sessions are chosen to stay under it. Range: [1, inf). Default: half of the machine's.</summary>
    public long MemoryBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    private static string OneOf(IReadOnlyList<string> names, string value) =>
        names.Contains(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), $"'{value}' is none of {string.Join(", ", names)}");
}

/// <summary>Measures the sensitivity matrix of a network's candidates.</summary>
public static class SensitivityMeasurement
{
    /// <summary>Measures.</summary>
    /// <param name="inputs">What is measured.</param>
    /// <param name="operatingPoint">Row of each layer's candidate in the network to measure around; empty for the float network. Shape: [layers].</param>
    /// <param name="options">Estimator, loss, threads.</param>
    /// <param name="records">Finished units: read and added to.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two passes; what is finished is recorded.</param>
    /// <exception cref="CladoException">The loss does not fit the network or the images.</exception>
    public static SensitivityMatrix Measure(
        MeasurementInputs inputs, IReadOnlyList<int> operatingPoint, SensitivityOptions options, IRecordStore records,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(operatingPoint);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(records);
        var readout = Readout.Of(inputs.Graph);
        var losses = new LossFactory(inputs.Graph, readout, inputs.Images, options.Loss, inputs.Scales);
        ISensitivityEstimator estimator = options.Estimator switch
        {
            "pairwise" => new PairwiseEstimator(insideBlocks: false),
            "block" => new PairwiseEstimator(insideBlocks: true),
            "diagonal" => new DiagonalEstimator(),
            _ => new AdditiveEstimator(),
        };
        int n = inputs.Candidates.Items.Count, images = inputs.Images.Items.Count, values = (2 * n * n) + 1;
        // The batches' records go where their sum is: a network measured around many points would fill the disk.
        var key = operatingPoint.Count == 0 ? "float" : MeasurementInputs.KeyOf(operatingPoint);
        var sums = records.GetOrAdd(key + "/sum", () => Sum(inputs, operatingPoint, options, estimator, losses, readout, key, records, progress, cancellation), values);
        records.Remove(key + "/batch/");
        var moments = new MatrixMoments(n, sums[..^1]);
        var raw = moments.Means(images);
        var (projected, eigenvalues) = SpectralProjection.Project(raw, n);
        return new SensitivityMatrix
        {
            Estimator = estimator.Name,
            Loss = losses.Name,
            BaseLoss = sums[^1] / images,
            ImageCount = images,
            Raw = raw,
            StandardErrors = moments.StandardErrors(images),
            Projected = projected,
            Eigenvalues = eigenvalues,
        };
    }

    /// <summary>The matrix's moments over all images, then the sum of the float network's loss. Shape: [2 · candidates² + 1].</summary>
    private static double[] Sum(
        MeasurementInputs inputs, IReadOnlyList<int> operatingPoint, SensitivityOptions options, ISensitivityEstimator estimator, LossFactory losses,
        Readout readout, string key, IRecordStore records, IProgress<double>? progress, CancellationToken cancellation)
    {
        var (graph, candidates, images, preprocessing) = inputs;
        var start = QuantizedGraph.Of(graph, operatingPoint.Select(row => candidates.Items[row]));
        var source = operatingPoint.Count == 0 ? OutputSource.Float(graph.File) : OutputSource.Quantized(graph.File);
        using var network = new PerturbedNetwork(
            start, candidates.Layers, readout, source, n => MemoryPlan.Of(n, graph, candidates, options.MemoryBytes));
        using var reference = operatingPoint.Count == 0 ? null : new NetworkOutputs(graph, readout, OutputSource.Float(graph.File));
        var batches = new ImageBatches(images, graph, preprocessing, network.Plan.BatchSize);
        double basePasses = (reference is null ? 1 : 2) * (double)network.TotalMacs, workPerImage = estimator.WorkPerImage(network, candidates) + basePasses;
        var work = new WorkProgress(workPerImage * images.Items.Count, progress);
        var total = new double[(2 * candidates.Items.Count * candidates.Items.Count) + 1];
        for (int index = 0; index < batches.Count; index++)
        {
            var batchKey = $"{key}/batch/{batches.BatchSize}/{index}";
            bool measured = false;
            var record = records.GetOrAdd<double>(batchKey, () =>
            {
                measured = true;
                var loaded = batches.Load(index);
                using var state = network.Run(loaded);
                var outputs = network.Outputs(state);
                var loss = losses.Create(reference?.Run(loaded) ?? outputs, outputs, loaded);
                work.Add(basePasses * loaded.Count);
                var batch = new BatchMeasurement(network, candidates, operatingPoint, state, loss, records, batchKey, options.Threads, work, cancellation);
                return [.. estimator.MeasureBatch(batch).Values, loss.Base * loaded.Count];
            }, total.Length);
            records.Remove(batchKey + "/");
            if (!measured)
            {
                work.Add(workPerImage * batches.CountOf(index));
            }
            for (int i = 0; i < total.Length; i++)
            {
                total[i] += record[i];
            }
        }
        return total;
    }
}
