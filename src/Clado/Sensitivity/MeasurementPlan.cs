namespace Clado.Sensitivity;

/// <summary>
/// A measurement as units of work. Their names, numbers and order follow from the task and the size of batches, not from the machine that
/// makes the plan: a unit that was measured elsewhere counts here.
/// </summary>
internal sealed class MeasurementPlan
{
    /// <summary>Makes the plan.</summary>
    /// <param name="task">What is measured.</param>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    public MeasurementPlan(MeasurementTask task, int batchSize)
    {
        var batches = task.Batches(batchSize);
        var sizes = task.Estimator.Units(task.Cuts, task.Inputs.Candidates);
        BatchSize = batches.BatchSize;
        MacsPerImage = task.BaseMacs + sizes.Sum(size => size.Macs);
        Batches = [.. Enumerable.Range(0, batches.Count).Select(index => BatchOf(task.Key, index, batches.CountOf(index), sizes))];
    }

    /// <summary>Images a batch, all but the last: 1 where the model fixes its batch.</summary>
    public int BatchSize { get; }

    /// <summary>MACs an image of all passes.</summary>
    public double MacsPerImage { get; }

    /// <summary>The units, batch by batch. Shape: [batches].</summary>
    public IReadOnlyList<BatchPlan> Batches { get; }

    private BatchPlan BatchOf(string task, int index, int images, IReadOnlyList<UnitSize> sizes)
    {
        var key = $"{task}/batch/{BatchSize}/{index}";
        return new BatchPlan(key, index, images, [.. sizes.Select((size, row) =>
            new WorkUnit($"{key}/{row}", index, row, size.Values * images, size.Macs * images))]);
    }
}
