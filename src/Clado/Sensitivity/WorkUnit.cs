namespace Clado.Sensitivity;

/// <summary>The smallest piece of measuring work that is recorded: a candidate, or some passes, on a batch of images.</summary>
/// <param name="Key">Name of its record. It tells the unit from all others of the run, on whatever machine.</param>
/// <param name="Batch">Position of the batch. Range: [0, batches).</param>
/// <param name="Row">Its position in the batch: the candidate, or what the estimator has instead. Range: [0, units).</param>
/// <param name="ValueCount">Numbers it comes to. Range: [0, inf).</param>
/// <param name="Macs">MACs of its passes over all images of the batch.</param>
internal sealed record WorkUnit(string Key, int Batch, int Row, int ValueCount, double Macs);

/// <summary>What a unit costs on one image.</summary>
/// <param name="Values">Numbers it comes to. Range: [0, inf).</param>
/// <param name="Macs">MACs of its passes.</param>
internal readonly record struct UnitSize(int Values, double Macs)
{
    /// <summary>Numbers it comes to besides, however many images. Range: [0, inf).</summary>
    public int Sums { get; init; }
}

/// <summary>The units of a batch.</summary>
/// <param name="Key">Name of the record of their sums, and how their own names begin.</param>
/// <param name="Index">Position of the batch. Range: [0, batches).</param>
/// <param name="ImageCount">Images in it. Range: [1, inf).</param>
/// <param name="Units">One a candidate, or what the estimator has instead. Shape: [units].</param>
internal sealed record BatchPlan(string Key, int Index, int ImageCount, IReadOnlyList<WorkUnit> Units);
