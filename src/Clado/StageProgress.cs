namespace Clado;

/// <summary>How far a run is.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Detail">Something to say about it, or null.</param>
/// <param name="Share">Share of the stage that is done, or null for a message. Range: [0, 1].</param>
public sealed record StageProgress(string Stage, string? Detail, double? Share)
{
    /// <summary>How far the job is that the stage belongs to; null for a message.</summary>
    public JobProgress? Job { get; init; }

    /// <summary>A stage that is a job of its own, such as an evaluation, or one of a <see cref="PreparedRun.WholeJob"/>.</summary>
    /// <param name="target">Is told how far it is.</param>
    /// <param name="stage">Its name.</param>
    /// <returns>Takes the share done. Range: [0, 1].</returns>
    public static IProgress<double> Of(IProgress<StageProgress> target, string stage)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new StageShare(target is Job ? target : new Job([new JobStage(stage, StageKind.Running, 1)], target), stage);
    }
}

/// <summary>How far a job is: all stages of a call, or of a <see cref="PreparedRun.WholeJob"/>.</summary>
/// <param name="Share">Share of its time that is done, about. It never falls, and is 1 at the end. Range: [0, 1].</param>
/// <param name="Left">
/// About how long the rest takes, rounds that are likely included: the stage at hand by its own speed, those to come by what they cost and
/// the speed seen so far in this job. Null while nothing is known of that.
/// </param>
/// <param name="ToCome">Names of the stages that come after this one for all that is known, in order. Shape: [stages].</param>
public sealed record JobProgress(double Share, TimeSpan? Left, IReadOnlyList<string> ToCome)
{
    /// <summary>Names of the stages that may come, such as further rounds; they count by how likely they are. Shape: [stages].</summary>
    public IReadOnlyList<string> Perhaps { get; init; } = [];
}

/// <summary>Passes the share of one stage on.</summary>
/// <param name="target">Where to.</param>
/// <param name="stage">Name of the stage.</param>
internal sealed class StageShare(IProgress<StageProgress> target, string stage) : IProgress<double>
{
    /// <inheritdoc/>
    public void Report(double value) => target.Report(new StageProgress(stage, null, value));

    /// <summary>One for a target that may be absent. It is told that the stage begins.</summary>
    public static StageShare? Begin(IProgress<StageProgress>? target, string stage)
    {
        if (target is null)
        {
            return null;
        }
        var share = new StageShare(target, stage);
        share.Report(0);
        return share;
    }
}
