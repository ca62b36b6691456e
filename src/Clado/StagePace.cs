namespace Clado;

/// <summary>How fast a stage goes. What was found done at its beginning says nothing of that.</summary>
/// <param name="start">When it began.</param>
internal sealed class StagePace(TimeSpan start)
{
    // Points of time that are remembered of a stage; closer ones make no estimate better.
    private const int Points = 64;

    // What is done in less time was found, or is chance: sessions are made, code is compiled.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1);

    private readonly Queue<(TimeSpan Time, double Share)> later = [];
    private (TimeSpan Time, double Share) half = (start, 0), last = (start, 0), noted = (start, 0), found = (start, 0);

    /// <summary>Share done. Range: [0, 1].</summary>
    public double Share => last.Share;

    /// <summary>Time until the last report.</summary>
    public TimeSpan Elapsed => last.Time - start;

    /// <summary>Whether its pace says anything.</summary>
    public bool IsKnown => (Elapsed >= Settled || Share >= 1) && Between(half) is not null;

    /// <summary>How long the whole stage takes at its mean pace; null before anything of it is known.</summary>
    public TimeSpan? Whole => !IsKnown ? null : Between(found) ?? Between(half);

    /// <summary>How long it takes at the pace of the later half of its time, which making sessions is no part of; null as above.</summary>
    public TimeSpan? Steady => IsKnown ? Between(half) : null;

    /// <summary>How long the rest takes at the pace of the later half of its time; null before anything of it is known.</summary>
    public TimeSpan? Left => Steady * (1 - Share);

    /// <summary>Takes a share.</summary>
    /// <param name="now">The time.</param>
    /// <param name="share">The share done. One that is less than before is none: units end in any order.</param>
    public void Report(TimeSpan now, double share)
    {
        if (last.Share >= 1)
        {
            // What is done in several goes begins again.
            return;
        }
        last = (now, Math.Max(last.Share, share));
        if (now - noted.Time >= Elapsed / Points)
        {
            later.Enqueue(noted = last);
        }
        while (later.TryPeek(out var next) && next.Time - start <= Elapsed / 2)
        {
            half = later.Dequeue();
        }
        found = Elapsed < Settled ? last : found;
    }

    /// <summary>How long all takes at the pace since a point; null where nothing was done since.</summary>
    private TimeSpan? Between((TimeSpan Time, double Share) point) =>
        last.Share > point.Share && last.Time > point.Time ? (last.Time - point.Time) / (last.Share - point.Share) : null;
}
