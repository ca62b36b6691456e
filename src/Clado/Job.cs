namespace Clado;

/// <summary>
/// Follows a job through its plan: what is done, what runs, what is to come, and how long that takes. Stages that are passed over were
/// found in the run folder, or turned out not to be needed: they count as done.
/// </summary>
internal sealed class Job : IProgress<StageProgress>
{
    // Of a stage's time, what is not sessions at least.
    private const double LeastShare = 0.25;

    private readonly Lock gate = new();
    private readonly IReadOnlyList<JobStage> stages;
    private readonly IProgress<StageProgress> target;
    private readonly TimeProvider clock;
    private readonly StageSpeeds? expected;
    private readonly long start;
    private readonly StagePace?[] paces;
    private (string Name, StagePace Pace)? unplanned;
    private string? lastName;
    private int running = -1;
    private int next;
    private double share;

    /// <summary>Begins.</summary>
    /// <param name="stages">The plan. Shape: [stages].</param>
    /// <param name="target">Is told of every report, with what it means for the job.</param>
    /// <param name="clock">The time; null for the machine's.</param>
    /// <param name="expected">What is known of speeds before any was seen, or null.</param>
    public Job(
        IReadOnlyList<JobStage> stages, IProgress<StageProgress> target, TimeProvider? clock = null, StageSpeeds? expected = null)
    {
        this.expected = expected;
        (this.stages, this.target, this.clock) = (stages, target, clock ?? TimeProvider.System);
        (start, paces) = (this.clock.GetTimestamp(), new StagePace?[stages.Count]);
    }

    /// <summary>The job that a call is a part of; where it is none, one of its own.</summary>
    /// <param name="progress">What the call was given.</param>
    /// <param name="plan">The plan of the call alone.</param>
    public static Job? Of(IProgress<StageProgress>? progress, Func<IReadOnlyList<JobStage>> plan) =>
        progress as Job ?? (progress is null ? null : new Job(plan(), progress));

    /// <summary>Tells what is to come, and how long it takes for all that is known, before anything of it runs.</summary>
    public void Announce()
    {
        lock (gate)
        {
            target.Report(new StageProgress(StageNames.WholeJob, null, 0) { Job = State() });
        }
    }

    /// <inheritdoc/>
    public void Report(StageProgress value)
    {
        if (value.Share is not { } own)
        {
            target.Report(value);
            return;
        }
        lock (gate)
        {
            var now = clock.GetElapsedTime(start);
            Enter(value.Stage, now).Report(now, own);
            lastName = value.Stage;
            target.Report(value with { Job = State() });
        }
    }

    /// <summary>Says that a part of the job has ended: what of it did not run counts as done.</summary>
    public void Finish(JobPart part)
    {
        lock (gate)
        {
            int end = EndOf(part);
            if (end < next)
            {
                return;
            }
            (running, next, unplanned) = (-1, end, null);
            if (end == stages.Count && lastName is not null)
            {
                target.Report(new StageProgress(lastName, null, 1) { Job = State() });
            }
        }
    }

    /// <summary>Where the call ends that runs, or the next of its part: the position of what comes then; 0 where there is none.</summary>
    private int EndOf(JobPart part)
    {
        int from = running >= 0 && stages[running].Part == part ? running : next;
        var own = stages.Skip(from).FirstOrDefault(stage => stage.Part == part);
        return own is null ? 0 : stages.Index().Last(stage => stage.Item.Part == part && stage.Item.Call == own.Call).Index + 1;
    }

    /// <summary>
    /// The stage that a report is of: the one that runs, or the next of its name. What is tried again is part of no plan.
    /// </summary>
    private StagePace Enter(string name, TimeSpan now)
    {
        if (unplanned is { } other && other.Name == name)
        {
            return other.Pace;
        }
        if (unplanned is null && running >= 0 && stages[running].Name == name)
        {
            return paces[running]!;
        }
        int found = Enumerable.Range(next, stages.Count - next).FirstOrDefault(i => stages[i].Name == name, -1);
        unplanned = found < 0 ? (name, new StagePace(now)) : null;
        if (found < 0)
        {
            return unplanned!.Value.Pace;
        }
        (running, next) = (found, found + 1);
        return paces[found] = new StagePace(now);
    }

    private JobProgress State()
    {
        double?[] rates = [.. Enum.GetValues<StageKind>().Select(Rate)];
        double? Seconds(int i) =>
            ((rates[(int)stages[i].Kind] * stages[i].Cost) + Sessions(stages[i])) * (paces[i] is null ? stages[i].Likelihood : 1);
        double done = 0;
        double? rest = 0, ahead = 0;
        for (int i = 0; i < stages.Count; i++)
        {
            double own = i >= next ? 0 : i == running ? paces[i]!.Share : 1;
            done += (own * Seconds(i)) ?? 0;
            rest += own < 1 ? (1 - own) * Seconds(i) : 0;
            ahead += i >= next ? Seconds(i) : 0;
        }
        // A job of one stage needs no speed to tell its share.
        double? part = rest is { } left ? (done + left > 0 ? done / (done + left) : 0)
            : stages is [_] && running == 0 ? paces[0]!.Share
            : null;
        share = rest == 0 ? 1 : Math.Max(share, part ?? 0);
        string[] Names(Func<JobStage, int, bool> isMeant) => [.. stages.Where(isMeant).Select(stage => stage.Name).Distinct()];
        var toCome = Names((stage, i) => i >= next && stage.Likelihood == 1);
        return new JobProgress(share, (ahead + LeftOfStage(rates)) is { } seconds ? TimeSpan.FromSeconds(seconds) : null, toCome)
        {
            Perhaps = Names((stage, i) => i >= next && stage.Likelihood < 1),
        };
    }

    /// <summary>Seconds that the stage at hand takes from now on; null where nothing says.</summary>
    /// <param name="rates">Seconds for what costs 1. Shape: [kinds].</param>
    private double? LeftOfStage(double?[] rates)
    {
        var pace = unplanned?.Pace ?? (running < 0 ? null : paces[running]);
        return pace is null or { Share: >= 1 } ? 0
            : pace.Left is { } known ? known.TotalSeconds
            : unplanned is null ? ((rates[(int)stages[running].Kind] * stages[running].Cost) + Sessions(stages[running])) * (1 - pace.Share)
            : null;
    }

    /// <summary>Seconds for what costs 1, as seen in this job; null where nothing says.</summary>
    private double? Rate(StageKind kind) => kind switch
    {
        StageKind.Decoding => Seen(kind) ?? expected?.Decoding,
        // Its costs are seconds.
        StageKind.Choosing => Seen(kind) ?? 1,
        StageKind.Rounding => Seen(kind) ?? Seen(StageKind.Running) ?? expected?.Pass,
        _ => Blended(Seen(kind), expected?.Pass) ?? Seen(StageKind.Rounding),
    };

    /// <summary>
    /// What was seen of networks that run, as far as it is of what they do, and what was expected for the rest: stages are not alike.
    /// </summary>
    private double? Blended(double? seen, double? before)
    {
        double Cost(Func<int, bool> isMeant) => Enumerable.Range(0, stages.Count)
            .Sum(i => stages[i].Kind == StageKind.Running && isMeant(i) ? stages[i].Cost * stages[i].Likelihood : 0);
        if (seen is not { } rate || before is not { } expectation)
        {
            return seen ?? before;
        }
        double known = Cost(i => i < next), all = Math.Max(Cost(_ => true), double.Epsilon);
        return expectation + ((rate - expectation) * known / all);
    }

    /// <summary>Seconds that a stage's sessions take.</summary>
    private double Sessions(JobStage stage) => stage.Sessions * (expected?.Session ?? 0);

    private double? Seen(StageKind kind)
    {
        double time = 0, sum = 0;
        for (int i = 0; i < stages.Count; i++)
        {
            // The halves of rounding are not alike: inputs are measured, then weights are rounded.
            if (stages[i].Kind == kind && stages[i].Cost > 0 && paces[i] is { } pace
                && (kind == StageKind.Rounding ? pace.Whole : pace.Steady) is { } whole)
            {
                time += pace.Elapsed.TotalSeconds;
                // Sessions are not what cost grows with; however they are estimated, something else is there too.
                double rest = Math.Max(whole.TotalSeconds - Sessions(stages[i]), whole.TotalSeconds * LeastShare);
                sum += pace.Elapsed.TotalSeconds * rest / stages[i].Cost;
            }
        }
        return time > 0 ? sum / time : null;
    }
}
