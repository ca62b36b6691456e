using Clado.Allocation.Solver;
using Clado.Candidates;

namespace Clado.Allocation;

/// <summary>Bits a layer, and what is known of the choice.</summary>
public sealed record AllocationResult
{
    /// <summary>What is known of it.</summary>
    public required AllocationStatus Status { get; init; }

    /// <summary>The budget it was made for.</summary>
    public required Budget Budget { get; init; }

    /// <summary>The chosen candidates; empty where infeasible. Shape: [layers].</summary>
    public required IReadOnlyList<Candidate> Chosen { get; init; }

    /// <summary>Bytes of the file that will be written: exact; 0 where infeasible.</summary>
    public required long SizeBytes { get; init; }

    /// <summary><c>xᵀ G x</c> of the projected matrix, recomputed from the choice.</summary>
    public required double Objective { get; init; }

    /// <summary>No choice within the budget has an objective below this.</summary>
    public required double Bound { get; init; }

    /// <summary>(objective − bound) / objective. Range: [0, inf].</summary>
    public required double Gap { get; init; }

    /// <summary>Bytes of the smallest file these candidates can make.</summary>
    public required long SmallestBytes { get; init; }

    /// <summary>Mean bits of the smallest choice.</summary>
    public required double SmallestBitsPerWeight { get; init; }

    /// <summary>Mean bits over the quantized weights.</summary>
    public double BitsPerWeight => (double)Chosen.Sum(c => c.Bits * c.Layer.Parameters) / Math.Max(1, Chosen.Sum(c => c.Layer.Parameters));

    /// <summary>Predicted loss increase: half the objective; nats.</summary>
    public double PredictedLoss => Objective / 2;
}
