namespace Clado;

/// <summary>How far a run is.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Detail">Something to say about it, or null.</param>
/// <param name="Share">Share of the stage that is done, or null for a message. Range: [0, 1].</param>
public sealed record StageProgress(string Stage, string? Detail, double? Share);

/// <summary>Passes the share of one stage on.</summary>
/// <param name="target">Where to.</param>
/// <param name="stage">Name of the stage.</param>
internal sealed class StageShare(IProgress<StageProgress> target, string stage) : IProgress<double>
{
    /// <inheritdoc/>
    public void Report(double value) => target.Report(new StageProgress(stage, null, value));

    /// <summary>One for a target that may be absent.</summary>
    public static StageShare? Of(IProgress<StageProgress>? target, string stage) => target is null ? null : new StageShare(target, stage);
}
