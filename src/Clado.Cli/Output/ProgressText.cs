using System.Text;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>How far a job is, in a line.</summary>
internal static class ProgressText
{
    /// <summary>What a job will do, and about how long that takes; null where it has begun, or is of one stage.</summary>
    public static string? Plan(StageProgress value)
    {
        if (value is not { Share: 0, Job: { Share: 0, Left: { } all, ToCome.Count: > 1 } job })
        {
            return null;
        }
        string[] stages = [.. job.ToCome.Select(Kind).Distinct()], perhaps = [.. job.Perhaps.Select(Kind).Distinct().Except(stages)];
        // What may come again and is there already are further rounds.
        bool hasRounds = job.Perhaps.Select(Kind).Any(stages.Contains);
        string[] also = [.. perhaps, .. hasRounds ? (string[])["further rounds around the choice"] : []];
        return $"{value.Stage}: about {Duration(all)}: {string.Join(", ", stages)}"
            + (also.Length > 0 ? $"; where they help {string.Join(", ", also)}" : "");
    }

    /// <summary>How far a stage and its job are, and what comes then as far as there is room for it.</summary>
    /// <param name="value">The progress.</param>
    /// <param name="width">Characters at most.</param>
    /// <param name="machines">Who takes part, in a few words, or null.</param>
    public static string Line(StageProgress value, int width, string? machines = null)
    {
        var line = new StringBuilder(Invariant($"{value.Stage} {value.Share * 100:F0} %{(machines is null ? "" : $" on {machines}")}"));
        if (value.Job is { } job)
        {
            line.Append(Invariant($", {Math.Floor(job.Share * 100):F0} % of all"));
            line.Append(job.Left is { } left && job.Share < 1 ? $", about {Duration(left)} left" : "");
            string Then(int count) => $"; then {string.Join(", ", job.ToCome.Take(count))}{(count < job.ToCome.Count ? ", …" : "")}";
            int shown = Enumerable.Range(1, job.ToCome.Count).LastOrDefault(count => line.Length + Then(count).Length <= width);
            line.Append(shown > 0 ? Then(shown) : "");
        }
        return line.Length <= width ? line.ToString() : line.ToString(0, width);
    }

    /// <summary>A time, as exact as it matters.</summary>
    public static string Duration(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min"
        : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s"
        : $"{Math.Max(1, time.Seconds)} s";

    /// <summary>What a stage does, whatever its round.</summary>
    private static string Kind(string stage) => stage.Split(", round")[0];
}
