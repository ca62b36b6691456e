using System.Collections;
using Clado.Graphs;
using Clado.Images;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// A measurement as units of work. Their names, numbers and order follow from the task and the size of batches, not from the machine that
/// makes the plan: a unit that was measured elsewhere counts here.
/// </summary>
internal sealed class MeasurementPlan : IReadOnlyList<BatchPlan>
{
    private readonly MeasurementTask task;
    private readonly ImageBatches batches;
    private readonly IReadOnlyList<UnitSize> sizes;

    /// <summary>Makes the plan.</summary>
    /// <param name="task">What is measured.</param>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    public MeasurementPlan(MeasurementTask task, int batchSize)
    {
        (this.task, batches) = (task, task.Batches(batchSize));
        sizes = task.Estimator.Units(task);
        MacsPerImage = task.BaseMacs + sizes.Sum(size => size.Macs);
    }

    /// <summary>What a measurement costs, in full passes over its images, before it is known what exactly is measured.</summary>
    /// <param name="inputs">What is measured, as far as it is known: codes, scales and batches do not matter.</param>
    /// <param name="options">Estimator and loss.</param>
    /// <param name="isAround">Whether it is measured around a choice, else around the float network.</param>
    public static double PassesOf(MeasurementInputs inputs, SensitivityOptions options, bool isAround)
    {
        var readout = Readout.Of(inputs.Graph);
        var parts = readout.Outputs.Zip(readout.ElementCounts, (name, count) => new OutputScale(name, new OutputParts([count], []), [1]));
        inputs = inputs with { Scales = inputs.Scales ?? [.. parts] };
        var task = new MeasurementTask(inputs, [], options);
        if (isAround)
        {
            int[] point = [.. inputs.Candidates.LayerOf.Index().DistinctBy(row => row.Item).Select(row => row.Index)];
            task = new MeasurementTask(inputs, point, options with { Estimator = Estimators.AroundChoices(task.Estimator.Name) });
        }
        return new MeasurementPlan(task, batchSize: 1).MacsPerImage / task.Cuts.Macs;
    }

    /// <summary>Images a batch, all but the last: 1 where the model fixes its batch.</summary>
    public int BatchSize => batches.BatchSize;

    /// <summary>MACs an image of all passes.</summary>
    public double MacsPerImage { get; }

    /// <summary>Number of batches.</summary>
    public int Count => batches.Count;

    /// <summary>The units of a batch. They are made when they are asked for: all of a plan may be millions.</summary>
    /// <param name="index">Position of the batch. Range: [0, batches).</param>
    public BatchPlan this[int index]
    {
        get
        {
            var key = $"{task.Key}/batch/{BatchSize}/{index}";
            int images = batches.CountOf(index);
            return new BatchPlan(key, index, images, [.. sizes.Select((size, row) =>
                new WorkUnit($"{key}/{row}", index, row, (size.Values * images) + size.Sums, size.Macs * images))]);
        }
    }

    public IEnumerator<BatchPlan> GetEnumerator() => Enumerable.Range(0, Count).Select(index => this[index]).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
