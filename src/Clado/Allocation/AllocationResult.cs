using Clado.Candidates;
using Clado.Layers;
using static System.FormattableString;

namespace Clado.Allocation;

/// <summary>Bits a layer, and what is known of the choice.</summary>
public sealed record AllocationResult
{
    /// <summary>What is known of it.</summary>
    public required AllocationStatus Status { get; init; }

    /// <summary>The budget it was made for.</summary>
    public required Budget Budget { get; init; }

    /// <summary>The chosen candidates; empty where there are none. Shape: [layers].</summary>
    public required IReadOnlyList<Candidate> Chosen { get; init; }

    /// <summary>Bytes of the file that will be written: exact; 0 where there is no choice.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Name of the surrogate whose optimum the choice is.</summary>
    public required string Surrogate { get; init; }

    /// <summary>
    /// Twice the predicted loss, in nats: <c>xᵀ G x</c> of the surrogate's matrix, recomputed from the choice, and twice the loss of its
    /// operating point. Infinite where there is no choice.
    /// </summary>
    public required double Objective { get; init; }

    /// <summary>No choice within the budget (and the surrogate's radius) has an objective below this.</summary>
    public required double Bound { get; init; }

    /// <summary>(objective − bound) / objective. Range: [0, inf].</summary>
    public required double Gap { get; init; }

    /// <summary>The limit that no choice keeps; null where one keeps them all, or which it is is not known.</summary>
    internal UnreachableLimit? Unreachable { get; init; }

    /// <summary>Why there is no choice, and what to do; null where there is one.</summary>
    public string? Infeasibility => Chosen.Count > 0 ? null : Allocation.Infeasibility.Of(this);

    /// <summary>Why the file would be larger than the model it is made of, and what to do; null where it is not known to be.</summary>
    public string? Growth { get; internal init; }

    /// <summary>Bytes of the smallest file these candidates can make.</summary>
    public required long SmallestBytes { get; init; }

    /// <summary>Mean bits of the smallest choice. Range: [2, 8].</summary>
    public required double SmallestBitsPerWeight { get; init; }

    /// <summary>Mean bits over the quantized weights; 0 where there is no choice. Range: [0, 8].</summary>
    public double BitsPerWeight => (double)Chosen.Sum(c => c.CodeBits) / Math.Max(1, Chosen.Sum(c => c.Layer.Parameters));

    /// <summary>
    /// Loss increase of this choice, in nats, measured on the images that sensitivities are measured on; null where these were not measured
    /// around it.
    /// </summary>
    public double? OperatingLoss { get; init; }

    /// <summary>Predicted loss increase, in nats: half the objective, what the surrogate says before the choice is measured.</summary>
    public double PredictedLoss => Objective / 2;

    /// <summary>
    /// Loss increase over the float network, in nats, measured with these weights on all images of the run; null where it was not measured.
    /// </summary>
    public double? MeasuredLoss { get; init; }

    /// <summary>What stays float whatever is chosen. Shape: [kept].</summary>
    internal IReadOnlyList<KeptOperation> Kept { get; init; } = [];

    /// <summary>Rounds of measuring that were asked for; null where it was the default.</summary>
    internal int? Rounds { get; init; }

    /// <summary>Whether nothing was measured for the choice: see <see cref="MeasuredRun.Predict"/>.</summary>
    internal bool IsPredicted { get; init; }

    /// <summary>Every choice that was measured on the way, in order; empty where none was. Shape: [trials].</summary>
    public IReadOnlyList<AllocationTrial> Trials { get; init; } = [];

    /// <summary>Why it was kept among the choices that were tried, in a sentence without its end; null where none was.</summary>
    public string? Reason
    {
        get
        {
            var others = Trials.Where(t => t.Gain is { } gain && gain is not { Mean: 0, StandardError: 0 }).ToArray();
            if (Trials.Count == 0 || others.Length == 0)
            {
                return Trials.Count == 0 ? null : "all that were tried choose the same";
            }
            var next = others.MaxBy(t => t.Gain!.Mean)!;
            var (mean, error, images) = next.Gain!;
            string by = Invariant($"{Math.Abs(mean):0.0000} ± {error:0.0000} on {images:N0} images");
            return mean <= 0 ? $"the best of the others, {next.Surrogate}, loses {by} more"
                : $"the best of the others, {next.Surrogate}, gains {by}{(next.Gain.IsSignificant ? "" : ": within noise")}";
        }
    }
}

/// <summary>What one surrogate proposed, and what that was worth.</summary>
/// <param name="Round">0 for surrogates of the float network, from 1 on for those around an operating point.</param>
/// <param name="Surrogate">Name of the surrogate.</param>
/// <param name="PredictedLoss">Loss increase it predicted for its choice, in nats.</param>
/// <param name="MeasuredLoss">
/// Loss increase measured on all images of the run, in nats; null where the images held back were enough to know that it is not the best.
/// </param>
/// <param name="HeldBackLoss">The same on the images that no surrogate has seen; null where none were held back.</param>
/// <param name="IsBest">Whether it was the best choice so far, and became the operating point.</param>
public sealed record AllocationTrial(
    int Round, string Surrogate, double PredictedLoss, double? MeasuredLoss, double? HeldBackLoss, bool IsBest)
{
    /// <summary>What it gains over the choice that was kept in the end, on the images that decide; null for that choice.</summary>
    public LossGain? Gain { get; init; }
}
