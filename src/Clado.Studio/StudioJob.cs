using Clado.Allocation;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Tuning;

namespace Clado.Studio;

/// <summary>Writes and evaluates one file at a time, on a thread of its own, and remembers those that were written.</summary>
/// <param name="run">The run.</param>
/// <param name="options">How the studio works.</param>
internal sealed class StudioJob(MeasuredRun run, StudioOptions options) : IProgress<StageProgress>, IDisposable
{
    // Of the progress, the part until the file is there, where it is evaluated on images of its own.
    private const double WritingShare = 0.6;

    // What it leaves behind is a file without a name, which the next one of its name removes; the program ends within a second.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.1);

    private readonly Lock guard = new();
    private readonly List<(WrittenFile File, PointAnswers? Answers)> written = [];
    private CancellationTokenSource? source;
    private Thread? worker;
    private StudioJobState state = new(null, 0, null, []);

    /// <summary>How far it is.</summary>
    public StudioJobState State()
    {
        lock (guard)
        {
            return state with { Written = [.. written.Select(own => own.File)] };
        }
    }

    /// <summary>Begins; false where a file is being written.</summary>
    /// <param name="result">The choice.</param>
    /// <param name="path">Where it goes.</param>
    /// <param name="refine">Whether it is rounded again.</param>
    /// <param name="tune">What it is tuned by.</param>
    /// <param name="command">The command that does the same.</param>
    public bool Begin(AllocationResult result, string path, bool refine, TuningMethod tune, string command)
    {
        lock (guard)
        {
            if (source is not null)
            {
                return false;
            }
            source = new CancellationTokenSource();
            state = new("begins", 0, null, []);
            var token = source.Token;
            worker = new Thread(() => Work(() => Write(result, path, refine, tune, command, token))) { IsBackground = true };
            worker.Start();
            return true;
        }
    }

    /// <summary>Stops; nothing is left of the file.</summary>
    public void Stop()
    {
        lock (guard)
        {
            source?.Cancel();
        }
    }

    /// <summary>Stops, and waits until nothing is left of the file.</summary>
    public void Dispose()
    {
        Stop();
        worker?.Join(Patience);
        source?.Dispose();
    }

    /// <inheritdoc/>
    public void Report(StageProgress value)
    {
        if (value.Share is { } share)
        {
            bool goesOn = options.Images is not null;
            Show(value.Stage, (value.Job?.Share ?? share) * (goesOn ? WritingShare : 1), goesOn ? null : value.Job?.Left);
        }
    }

    private void Show(string stage, double share, TimeSpan? left)
    {
        lock (guard)
        {
            state = state with { Stage = stage, Share = share, SecondsLeft = left?.TotalSeconds };
        }
    }

    /// <summary>Runs to the end, whatever that is: what went wrong is said.</summary>
    private void Work(Action write)
    {
        string? problem = null;
        try
        {
            write();
        }
        catch (OperationCanceledException)
        {
            problem = "stopped; nothing was written";
        }
        catch (Exception e) when (e is CladoException or IOException or UnauthorizedAccessException)
        {
            problem = options.Words(e.Message);
        }
        lock (guard)
        {
            source?.Dispose();
            source = null;
            state = new StudioJobState(null, 0, null, []) { Problem = problem };
        }
    }

    private void Write(AllocationResult result, string path, bool refine, TuningMethod tune, string command, CancellationToken token)
    {
        using var limit = RunLimit.Enter(RunLimit.DefaultTimeout, token);
        using var deployment = run.Deploy(result, path, refine, evaluate: true, tune, this, token);
        var evaluation = options.Images is { } images ? Evaluate(deployment, images, token) : deployment.Model.Evaluation!;
        var model = deployment.Commit();
        run.Keep(model);
        var answers = PointAnswers.Of(evaluation);
        lock (guard)
        {
            var gain = answers is not null && written.Count > 0 && written[0].Answers is { } first
                ? LossGain.Of(answers.Losses, first.Losses) : null;
            written.Add((new WrittenFile
            {
                Path = path,
                SizeBytes = model.SizeBytes,
                BitsPerWeight = model.Allocation.BitsPerWeight,
                PredictedLoss = result.PredictedLoss,
                Loss = [evaluation.LossIncrease, evaluation.LossIncreaseError],
                Top1 = evaluation.Top1,
                Agreement = evaluation.Agreement,
                MeasureValue = evaluation.Measures?.Value,
                Images = evaluation.Images,
                Gain = gain is null ? null : [gain.Mean, gain.StandardError],
                Command = command,
            }, answers));
        }
    }

    private EvaluationResult Evaluate(Deployment deployment, string images, CancellationToken token)
    {
        var evaluation = new EvaluationOptions
        {
            Images = images,
            LabelOffset = run.LabelOffset,
            Preprocessing = run.Preprocessing,
            Inputs = run.Inputs,
            Task = run.Task,
            Loss = run.Sensitivity.Loss,
            Scales = run.Scales,
            Reference = run.ModelPath,
            Resources = run.Resources,
        };
        var share = new WholeShare(share => Show("evaluating", WritingShare + ((1 - WritingShare) * share), null));
        return deployment.Evaluate(evaluation, share, token);
    }

    /// <summary>Passes a share on at once: a file's progress has one reader.</summary>
    private sealed class WholeShare(Action<double> show) : IProgress<double>
    {
        public void Report(double value) => show(value);
    }
}
