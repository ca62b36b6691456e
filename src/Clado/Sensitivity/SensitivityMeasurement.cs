using Clado.Execution;
using Clado.Losses;
using Clado.Records;
using Clado.Sensitivity.Remote;

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
    /// <param name="runner">Where units are measured; null for the machines that the work may take.</param>
    /// <exception cref="CladoException">
    /// The loss does not fit the network or the images; or the batches of the run do not fit into memory.
    /// </exception>
    public static SensitivityMatrix Measure(
        MeasurementInputs inputs,
        IReadOnlyList<int> operatingPoint,
        SensitivityOptions options,
        IRecordStore records,
        IUnitRunner? runner = null)
    {
        var task = new MeasurementTask(inputs, operatingPoint, options);
        // The batches' records go where their sum is: a network measured around many points would fill the disk.
        var sums = records.GetOrAdd(task.Key + "/sum", () =>
        {
            var sum = Sum(task, records, runner);
            // What its batches took is not there for the next stage, which has sessions of other sizes.
            NativeMemory.Release(inputs.Work.Provider);
            return sum;
        }, task.SumCount);
        records.Remove(task.Key + "/batch/");
        int images = inputs.Work.Images.Items.Count, n = inputs.Candidates.Items.Count;
        inputs.Work.Ledger?.Add(task.Key, images * new MeasurementPlan(task, batchSize: 1).MacsPerImage / task.Cuts.Macs);
        var moments = new MatrixMoments(n, sums[..task.MatrixSumCount]);
        var raw = moments.Means(images);
        var (projected, eigenvalues) = SpectralProjection.Project(raw, n);
        return new SensitivityMatrix
        {
            Estimator = task.Estimator.Name,
            Loss = task.Losses.Name,
            BaseLoss = sums[^1] / images,
            ImageCount = images,
            BatchSize = inputs.BatchSize,
            Raw = raw,
            StandardErrors = moments.StandardErrors(images),
            Projected = projected,
            Eigenvalues = eigenvalues,
            Channels = task.Channels is { } layout
                ? ChannelSensitivities.Of(layout, sums[task.MatrixSumCount..^1], images) : null,
        };
    }

    /// <summary>
    /// Over all images, the matrix's moments, those of rows where these are measured, then the sum of the float network's loss.
    /// </summary>
    private static double[] Sum(MeasurementTask task, IRecordStore records, IUnitRunner? given)
    {
        var plan = new MeasurementPlan(task, task.BatchSize());
        using var loaded = new LoadedTask(task, plan, records);
        using var runner = given ?? RunnerOf(loaded, plan);
        var total = new double[task.SumCount];
        foreach (var batch in plan)
        {
            bool measured = false;
            var sums = records.GetOrAdd(batch.Key, () =>
            {
                measured = true;
                return SumOf(batch, loaded, runner);
            }, total.Length);
            records.Remove(batch.Key + "/");
            if (!measured)
            {
                loaded.Progress.Add(plan.MacsPerImage * batch.ImageCount);
            }
            for (int i = 0; i < total.Length; i++)
            {
                total[i] += sums[i];
            }
        }
        return total;
    }

    private static IUnitRunner RunnerOf(LoadedTask loaded, MeasurementPlan plan) =>
        loaded.Task.Inputs.Work is { Resources.Machines: { } machines }
            ? new RemoteRunner(loaded, plan, machines) : new LocalRunner(loaded.Task.Inputs.Work);

    private static double[] SumOf(BatchPlan plan, LoadedTask loaded, IUnitRunner runner)
    {
        using var batch = loaded.Open(plan);
        runner.Run(plan.Units, batch.Measure);
        return batch.Combine();
    }
}
