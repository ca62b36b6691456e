using Clado.Activations;
using Clado.Allocation;
using Clado.Evaluation;
using Clado.Graphs;
using Clado.Layers;
using Clado.Losses;
using Clado.Tuning;

namespace Clado.Runs;

/// <summary>An allocation, and what became of it.</summary>
/// <param name="Result">The allocation.</param>
/// <param name="Estimator">Name of the estimator that was asked for.</param>
/// <param name="WrittenAs">What activations are written as, see <see cref="MeasuredRun.WrittenAs"/>.</param>
internal sealed record AllocationOutcome(AllocationResult Result, string Estimator, string WrittenAs)
{
    /// <summary>What stays float. Shape: [kept].</summary>
    public required IReadOnlyList<KeptOperation> Kept { get; init; }

    /// <summary>What the network is for, and why.</summary>
    public required TaskDecision Decision { get; init; }

    /// <summary>Images that were measured on. Range: [1, inf).</summary>
    public required int ImagesUsed { get; init; }

    /// <summary>Images that the folder had; null where the run does not say. Range: [1, inf).</summary>
    public required int? ImagesFound { get; init; }

    /// <summary>Path of the written file, or null.</summary>
    public string? Output { get; init; }

    /// <summary>The written file on the run's images, or null where that is not done.</summary>
    public EvaluationResult? Evaluation { get; init; }

    /// <summary>What rounded activations cost, or null where that is not measured.</summary>
    public ActivationEffect? Activations { get; init; }

    /// <summary>How close the written file is to its simulation, or null where that is not checked.</summary>
    public ParityResult? Parity { get; init; }

    /// <summary>What corrected biases gain, or null where none are or that is not measured.</summary>
    public BiasEffect? Biases { get; init; }

    /// <summary>What tuning changed, or null where that was not asked for.</summary>
    public TuningEffect? Tuning { get; init; }

    /// <summary>Units of the outputs, or null where the loss needs none. Shape: [outputs].</summary>
    public IReadOnlyList<OutputScale>? Scales { get; init; }
}
