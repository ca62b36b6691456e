using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Execution;
using Clado.Tuning;

namespace Clado.Studio;

/// <summary>What a studio answers: choices, the writing of files, and the report as it stands.</summary>
/// <param name="run">The run.</param>
/// <param name="options">How it works.</param>
internal sealed class StudioSession(MeasuredRun run, StudioOptions options) : IDisposable
{
    // Choices that can still be written; a person goes back a few.
    private const int MostChoices = 64;

    private static readonly string[] Better = ["none", "refine", "tune"];

    private readonly Lock guard = new();
    private readonly SortedDictionary<int, (AllocationResult Result, ChoiceRequest Request)> choices = [];
    private readonly StudioJob job = new(run, options);
    private int last;

    /// <summary>The page.</summary>
    public string Page() => StudioPage.Of(run, options);

    /// <summary>The report as the run folder has it now.</summary>
    public string Report() => Reports.Report.Read(run.RunPath, options.Words).ToHtml();

    /// <summary>Chooses, in less than a second.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="cancellation">Stops.</param>
    public StudioAnswer Choose(ChoiceRequest request, CancellationToken cancellation) =>
        Choose(request, new QuickAllocator(), cancellation);

    /// <summary>Chooses for as long as a proof takes, or the work for it is done.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="cancellation">Stops: something else is asked for.</param>
    public StudioAnswer Prove(ChoiceRequest request, CancellationToken cancellation) =>
        Choose(request, new AutomaticAllocator(), cancellation);

    /// <summary>Begins to write a choice.</summary>
    /// <param name="request">Which, and how.</param>
    public StudioAnswer Write(WriteRequest request)
    {
        try
        {
            AllocationResult? result = null;
            ChoiceRequest? asked = null;
            lock (guard)
            {
                if (choices.TryGetValue(request.Choice, out var own))
                {
                    (result, asked) = own;
                }
            }
            if (result is null || !Better.Contains(request.Better))
            {
                return new("this choice is not there any more; choose again");
            }
            var path = PathOf(request.Name);
            var tune = request.Better == "tune" ? TuningMethod.Network : TuningMethod.None;
            run.CheckTuning(tune);
            string how = request.Better switch { "refine" => " --refine", "tune" => " --tune network", _ => "" };
            var command = $"{StudioCommand.Of(run, options.Writing, asked!, result)}{how} -o {ShellWord.Quoted(path)}";
            return job.Begin(result, path, request.Better == "refine", tune, command)
                ? job.State() : new StudioAnswer("a file is being written; wait for it, or stop it");
        }
        catch (CladoException e)
        {
            return Problem(e);
        }
    }

    /// <summary>How far the writing is.</summary>
    public StudioAnswer Job() => job.State();

    /// <summary>Stops the writing.</summary>
    public StudioAnswer StopJob()
    {
        job.Stop();
        return new();
    }

    /// <summary>Chooses once for nobody: what is compiled then, nobody waits for.</summary>
    public void WarmUp() =>
        Choose(new ChoiceRequest($"{run.Uniform(run.Candidates[0].Bits).SizeBytes}", [], new Dictionary<int, int>()), default);

    /// <summary>Stops what goes on.</summary>
    public void Dispose() => job.Dispose();

    private StudioAnswer Choose(ChoiceRequest request, IAllocator allocator, CancellationToken cancellation)
    {
        try
        {
            if (request.Budget is null || request.Forbidden is null || request.Pins is null)
            {
                return new("a budget is wanted");
            }
            if (run.Candidates.All(candidate => request.Forbidden.Contains(candidate.Bits)))
            {
                return new("all widths are forbidden; allow one");
            }
            using var limit = RunLimit.Enter(RunLimit.DefaultTimeout, cancellation);
            var result = run.PredictBy(request.Budget, StudioCommand.Limits(run, request), allocator, cancellation);
            return result.Chosen.Count == 0 ? new StudioAnswer(options.Words(result.Infeasibility!)) : Keep(request, result);
        }
        catch (CladoException e)
        {
            return Problem(e);
        }
    }

    private StudioChoice Keep(ChoiceRequest request, AllocationResult result)
    {
        int number;
        lock (guard)
        {
            number = ++last;
            choices[number] = (result, request);
            if (choices.Count > MostChoices)
            {
                choices.Remove(choices.Keys.First());
            }
        }
        return new StudioChoice(
            number, result.SizeBytes, result.BitsPerWeight, result.PredictedLoss, result.Status == AllocationStatus.Optimal,
            double.IsFinite(result.Gap) ? result.Gap : null, result.Chosen.Sum(c => c.BitOperations(run.FileSize.ActivationBits)),
            [.. result.Chosen.Select(c => c.Bits)])
        {
            Shares = SharesOf(result),
            Command = $"{StudioCommand.Of(run, options.Writing, request, result)} -o OUT.onnx",
        };
    }

    private static Dictionary<int, IReadOnlyDictionary<int, double>>? SharesOf(AllocationResult result)
    {
        var mixed = result.Chosen.Index().Where(own => own.Item.RowBits is not null).ToDictionary(
            own => own.Index,
            own => (IReadOnlyDictionary<int, double>)own.Item.RowBits!.CountBy(bits => bits).OrderBy(width => width.Key)
                .ToDictionary(width => width.Key, width => (double)width.Value / own.Item.RowBits!.Count));
        return mixed.Count > 0 ? mixed : null;
    }

    /// <summary>Where a file goes: a name that is nobody's yet, in the studio's folder.</summary>
    /// <exception cref="CladoException">It is no such name.</exception>
    private string PathOf(string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name != Path.GetFileName(name) || !name.EndsWith(".onnx", StringComparison.Ordinal)
            || name.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0)
        {
            throw new CladoException($"'{name}': a file name that ends in .onnx is wanted, without a folder");
        }
        var path = Path.Combine(options.Output, name);
        if (Path.Exists(path))
        {
            throw new CladoException($"{path}: is there already; give another name");
        }
        Destination.CheckFile(Settings.StudioOutput, path, run.ModelPath);
        Destination.CheckOutsideRun(Settings.StudioOutput, path, run.RunPath);
        Destination.CheckOutsideImages(Settings.StudioOutput, path, run.ImagesPath);
        return path;
    }

    private StudioAnswer Problem(CladoException e) => new(options.Words(e.Message));
}
