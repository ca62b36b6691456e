namespace Clado.Activations;

/// <summary>What of a written file's loss is due to its activations.</summary>
/// <param name="Images">Images it was measured on. Range: [1, inf).</param>
/// <param name="WeightLoss">Loss increase with the file's weights and float activations, in units of the run's loss.</param>
/// <param name="FileLoss">Loss increase of the file.</param>
public sealed record ActivationEffect(int Images, double WeightLoss, double FileLoss)
{
    // In nats, variances or cosines: what one image in some hundred notices.
    private const double Negligible = 0.001;

    /// <summary>Loss increase that rounded activations add; below 0 where they happen to make good what weights lose.</summary>
    public double ActivationLoss => FileLoss - WeightLoss;

    /// <summary>Whether activations cost more than weights do, and more than next to nothing.</summary>
    public bool CostsMost => !IsAcceptable(WeightLoss, FileLoss);

    /// <summary>What was repaired; null where nothing had to be, or was asked for.</summary>
    public RepairEffect? Repair { get; init; }

    /// <summary>Whether activations cost no more than weights do, or next to nothing.</summary>
    /// <param name="weights">Loss increase with float activations.</param>
    /// <param name="both">Loss increase with rounded activations.</param>
    /// <param name="share">How much of that is taken. Range: (0, 1].</param>
    internal static bool IsAcceptable(double weights, double both, double share = 1) =>
        both - weights <= share * Math.Max(weights, Negligible);
}

/// <summary>How activations were repaired that cost more than weights.</summary>
public sealed record RepairEffect
{
    /// <summary>Images it was looked for on. Range: [1, inf).</summary>
    public required int Images { get; init; }

    /// <summary>Loss increase on these images with float activations.</summary>
    public required double WeightLoss { get; init; }

    /// <summary>Loss increase on these images with all activations on the usual 8-bit grids.</summary>
    public required double LossBefore { get; init; }

    /// <summary>Loss increase on these images as the file was written.</summary>
    public required double LossAfter { get; init; }

    /// <summary>
    /// Share of the layers' multiply–accumulates that are computed in floats with all activations on 8-bit grids. Range: [0, 1].
    /// </summary>
    public required double FloatMacsBefore { get; init; }

    /// <summary>The same as the file was written: the price in speed. Range: [0, 1].</summary>
    public required double FloatMacs { get; init; }

    /// <summary>What is written otherwise than usual, the costliest first. Shape: [tensors].</summary>
    public required IReadOnlyList<RepairedTensor> Tensors { get; init; }
}

/// <summary>A tensor that is written otherwise than usual.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Loss">Loss increase of the float network where this tensor alone is rounded to its usual grid.</param>
/// <param name="WrittenAs">The rule of its grid, as <c>--ranges</c> names it, with the percentage for other quantiles; or float.</param>
public sealed record RepairedTensor(string Name, double Loss, string WrittenAs);
