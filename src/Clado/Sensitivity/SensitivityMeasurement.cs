using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Runs;

namespace Clado.Sensitivity;

/// <summary>How sensitivities are measured.</summary>
public sealed record SensitivityOptions
{
    /// <summary>Names of the estimators.</summary>
    public static IReadOnlyList<string> Estimators { get; } = ["additive", "pairwise", "block", "diagonal"];

    /// <summary>Names of the losses.</summary>
    public static IReadOnlyList<string> Losses { get; } = ["kl", "ce", "mse"];

    /// <summary>One of <see cref="Estimators"/>.</summary>
    public string Estimator { get; init => field = OneOf(Estimators, value); } = "additive";

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
    /// <param name="graph">The network.</param>
    /// <param name="candidates">The rows of the matrix.</param>
    /// <param name="images">Images to measure the loss on.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="options">Estimator, loss, threads.</param>
    /// <param name="records">Finished units: read and added to.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two passes; what is finished is recorded.</param>
    /// <exception cref="CladoException">The loss does not fit the network or the images.</exception>
    public static SensitivityMatrix Measure(
        Graph graph, CandidateSet candidates, ImageSet images, Preprocessing preprocessing, SensitivityOptions options, RecordStore records,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(records);
        var readout = Readout.Of(graph);
        var losses = new LossFactory(graph, readout, images, options.Loss);
        ISensitivityEstimator estimator = options.Estimator switch
        {
            "pairwise" => new PairwiseEstimator(insideBlocks: false),
            "block" => new PairwiseEstimator(insideBlocks: true),
            "diagonal" => new DiagonalEstimator(),
            _ => new AdditiveEstimator(),
        };
        using var network = new PerturbedNetwork(graph, candidates.Layers, readout, n => MemoryPlan.Of(n, graph, candidates, options.MemoryBytes));
        var batches = new ImageBatches(images, graph, preprocessing, network.Plan.BatchSize);
        var work = new WorkProgress((estimator.WorkPerImage(network, candidates) + network.TotalMacs) * images.Items.Count, progress);
        int n = candidates.Items.Count;
        var sums = new double[n * n];
        double baseLoss = 0;
        for (int index = 0; index < batches.Count; index++)
        {
            var key = $"{batches.BatchSize}/{index}";
            bool measured = false;
            // A batch's record is its matrix, then the sum of the float network's loss.
            var record = records.GetOrAdd<double>(key, () =>
            {
                measured = true;
                var loaded = batches.Load(index);
                using var state = network.Run(loaded);
                work.Add((double)network.TotalMacs * loaded.Count);
                var loss = losses.Create(network.Outputs(state), loaded, records);
                var batch = new BatchMeasurement(network, candidates, state, loss, records, key, options.Threads, work, cancellation);
                return [.. estimator.MeasureBatch(batch), loss.Base * loaded.Count];
            });
            records.Remove(key + "/");
            if (!measured)
            {
                work.Add((estimator.WorkPerImage(network, candidates) + network.TotalMacs) * batches.CountOf(index));
            }
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += record[i];
            }
            baseLoss += record[^1];
        }
        double[] raw = Array.ConvertAll(sums, s => s / images.Items.Count);
        var (projected, eigenvalues) = SpectralProjection.Project(raw, n);
        return new SensitivityMatrix
        {
            Estimator = estimator.Name,
            Loss = losses.Name,
            BaseLoss = baseLoss / images.Items.Count,
            ImageCount = images.Items.Count,
            Raw = raw,
            Projected = projected,
            Eigenvalues = eigenvalues,
        };
    }
}
