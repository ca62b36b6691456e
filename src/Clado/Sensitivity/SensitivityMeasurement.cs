using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Inference;
using Clado.Losses;
using Clado.Records;

namespace Clado.Sensitivity;

/// <summary>Measures the sensitivity matrix of a network's candidates.</summary>
internal static class SensitivityMeasurement
{
    /// <summary>Measures.</summary>
    /// <param name="inputs">What is measured.</param>
    /// <param name="operatingPoint">
    /// Row of each layer's candidate in the network to measure around; empty for the float network. Shape: [layers].
    /// </param>
    /// <param name="options">Estimator and loss.</param>
    /// <param name="records">Finished units: read and added to.</param>
    /// <exception cref="CladoException">The loss does not fit the network or the images.</exception>
    public static SensitivityMatrix Measure(
        MeasurementInputs inputs, IReadOnlyList<int> operatingPoint, SensitivityOptions options, RecordStore records)
    {
        var readout = Readout.Of(inputs.Graph);
        var losses = new LossFactory(inputs.Graph, readout, inputs.Work.Images, options.Loss, inputs.Scales);
        ISensitivityEstimator estimator = options.Estimator switch
        {
            "pairwise" => new PairwiseEstimator(insideBlocks: false),
            "block" => new PairwiseEstimator(insideBlocks: true),
            "diagonal" => new DiagonalEstimator(),
            _ => new AdditiveEstimator(),
        };
        int n = inputs.Candidates.Items.Count, images = inputs.Work.Images.Items.Count, values = (2 * n * n) + 1;
        // The batches' records go where their sum is: a network measured around many points would fill the disk.
        var key = operatingPoint.Count == 0 ? "float" : MeasurementInputs.KeyOf(operatingPoint);
        var sums = records.GetOrAdd(key + "/sum", () => Sum(inputs, operatingPoint, estimator, losses, key, records), values);
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
        MeasurementInputs inputs, IReadOnlyList<int> operatingPoint, ISensitivityEstimator estimator, LossFactory losses, string key,
        RecordStore records)
    {
        var (graph, candidates, workload) = inputs;
        var readout = Readout.Of(graph);
        var start = FakeQuantizedGraph.Of(graph, operatingPoint.Select(row => candidates.Items[row]));
        var source = operatingPoint.Count == 0 ? OutputSource.Float(graph.File) : OutputSource.Quantized(graph.File);
        using var network = new PerturbedNetwork(
            start, candidates.Layers, readout, source, n => MemoryPlan.Of(n, graph, candidates, workload.Resources.MemoryBytes));
        using var reference = operatingPoint.Count == 0 ? null : new ModelRunner(graph, readout, OutputSource.Float(graph.File));
        var batches = workload.Batches(graph, network.Plan.BatchSize);
        double basePasses = (reference is null ? 1 : 2) * (double)network.TotalMacs, workPerImage = estimator.WorkPerImage(network, candidates) + basePasses;
        var work = new WorkProgress(workPerImage * workload.Images.Items.Count, workload.Progress);
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
                var batch = new BatchMeasurement(network, candidates, operatingPoint, state, loss, records, batchKey, workload, work);
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
