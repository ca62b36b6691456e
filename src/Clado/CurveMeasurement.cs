using Clado.Allocation;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Runs;
using Clado.Sensitivity;
using static System.FormattableString;

namespace Clado;

/// <summary>
/// Goes along the size–accuracy curve of a run: allocates for each budget and evaluates what would be written.
/// Every finished group of points is kept in the run folder, and what is there is not done again.
/// </summary>
internal sealed class CurveMeasurement
{
    private readonly MeasuredRun run;
    private readonly RunFolder folder;
    private readonly SweepOptions options;
    private readonly IProgress<StageProgress>? progress;
    private readonly CancellationToken cancellation;
    private readonly ImageSet images;
    private readonly Readout readout;
    private readonly CurveChoices choices;
    private Curve curve;

    /// <summary>Begins with the points that the run folder has.</summary>
    /// <param name="run">The run.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="options">Budgets and evaluation images.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; finished points are kept.</param>
    /// <exception cref="CladoException">The images cannot be used.</exception>
    public CurveMeasurement(
        MeasuredRun run, RunFolder folder, SweepOptions options, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        (this.run, this.folder, this.options, this.progress, this.cancellation) = (run, folder, options, progress, cancellation);
        images = run.ImagesToEvaluate(options.Images, options.Limit, options.Seed, options.LabelOffset, progress);
        readout = Readout.Of(run.Graph);
        choices = new CurveChoices(run, options.Rounds, cancellation);
        curve = new Curve
        {
            ImagesPath = Path.GetFullPath(images.Folder),
            Images = images.Items.Count,
            ImagesSha256 = images.Sha256,
            Limit = options.Images is null ? null : options.Limit,
            Seed = options.Seed,
            LabelOffset = options.Images is null ? null : options.LabelOffset,
            Rounds = options.Rounds,
            Activations = run.WrittenAs,
            FloatBytes = run.Graph.FileSizeBytes,
        };
        curve = folder.ReadCurve(curve) ?? curve;
        // Earlier versions did not measure what is no classifier.
        curve = readout.IsClassifier ? curve : curve with { Points = [.. curve.Points.Where(p => p.Measure is not null)] };
    }

    /// <summary>The curve at the budgets asked for, uniform networks and the diagonal choices beside it.</summary>
    /// <returns>The curve, and the budgets that no choice keeps.</returns>
    public (Curve Curve, IReadOnlyList<AllocationResult> Infeasible) Run()
    {
        IReadOnlyList<string> budgets = options.Budgets.Count > 0 ? options.Budgets : [.. Budgets().Select(b => $"{b}")];
        var possible = budgets.Distinct().Select(choices.Diagonal).ToLookup(r => r.Chosen.Count > 0);
        WantedPoint[] wanted =
        [
            .. choices.Widths.Select(Uniform),
            .. possible[true].SelectMany(r => (WantedPoint[])
                [new(CurveMethod.Clado, r.Budget.Text), new(CurveMethod.Diagonal, r.Budget.Text)]),
        ];
        Measure(wanted, StageNames.Sweep);
        return (curve with { Points = [.. curve.Points.Where(p => wanted.Contains(new(p.Method, p.Budget)))] }, [.. possible[false]]);
    }

    /// <summary>The smallest network that loses at most so many points; null where none does.</summary>
    /// <param name="targetDrop">Points, see <see cref="CurvePoint.Drop"/>. Range: [0, 100].</param>
    /// <returns>The point, or null, and all that was measured.</returns>
    /// <exception cref="CladoException">Nothing that could drop is defined on these images.</exception>
    public (CurvePoint? Found, Curve Curve) FindSmallest(double targetDrop)
    {
        var (smallest, largest) = choices.Range;
        int tried = 0;
        CurvePoint At(long budget)
        {
            var point = Measure([new(CurveMethod.Clado, $"{budget}")], StageNames.Size(++tried))[0];
            var drop = Invariant($"a drop of {point.Drop(curve.FloatTop1):0.00} points");
            progress?.Report(new StageProgress(Invariant($"{point.SizeBytes:N0} bytes"), drop, null));
            return point;
        }

        // Something has to be measured to know what the float network reaches.
        if (At(largest) is { Measure: { } measure, MeasureValue: null })
        {
            throw new CladoException(
                $"{Path.GetFileName(run.Graph.File)}: {Settings.FindSmallest}: {measure.Words()} cannot be told on these images, such as "
                + $"where there are none; evaluate on others, or choose a size with {Settings.Budgets} instead");
        }
        bool Keeps(CurvePoint point) => point.Drop(curve.FloatTop1) <= targetDrop;
        var found = TargetSearch.Find([.. curve.Of(CurveMethod.Clado)], smallest, largest, Keeps, At);
        return (found, curve);
    }

    /// <summary>The uniform networks next to a size: the largest that is no larger, and the smallest above it.</summary>
    /// <param name="sizeBytes">The size.</param>
    public IReadOnlyList<CurvePoint> UniformAround(long sizeBytes)
    {
        var sizes = choices.Widths.Select(bits => (Bits: bits, Size: run.Uniform(bits).SizeBytes)).OrderBy(w => w.Size).ToArray();
        int above = Array.FindIndex(sizes, w => w.Size > sizeBytes);
        int[] beside = above < 0 ? [sizes.Length - 1] : above == 0 ? [0] : [above - 1, above];
        return Measure([.. beside.Select(i => Uniform(sizes[i].Bits))], StageNames.UniformWidths);
    }

    private static WantedPoint Uniform(int bits) => new(CurveMethod.Uniform, $"{bits}bit");

    /// <summary>Where the curve is worth looking at, by what the single losses predict: they cost nothing beside the rest.</summary>
    private IReadOnlyList<long> Budgets()
    {
        var (smallest, largest) = choices.Range;
        var losses = new Dictionary<long, double>();
        double Loss(long budget) => losses.TryGetValue(budget, out double known)
            ? known
            : losses[budget] = choices.Diagonal($"{budget}").PredictedLoss;
        return CurveBudgets.Choose(smallest, largest, options.PointCount, Loss);
    }

    /// <summary>Measures what is missing of the points, in groups that share the decoding of images and the float pass.</summary>
    private CurvePoint[] Measure(IReadOnlyList<WantedPoint> wanted, string stage)
    {
        var missing = wanted.Where(p => Find(p) is null).ToArray();
        var share = StageShare.Begin(progress, stage);
        int done = 0, together = MemoryPlan.OfWhole(run.Graph, run.Resources.MemoryBytes, Provider.Cpu).Networks;
        foreach (var group in missing.Chunk(together))
        {
            var chosen = new List<(CurvePoint Point, AllocationResult Choice)>();
            foreach (var point in group)
            {
                chosen.Add(choices.Choose(point));
                // A point is half done when its bits are chosen.
                share?.Report((done + (0.5 * chosen.Count)) / missing.Length);
            }
            double half = 0.5 * group.Length;
            Evaluate(chosen, share is null ? null : new PartOfProgress(share, (done + half) / missing.Length, half / missing.Length));
            done += group.Length;
        }
        return [.. wanted.Select(p => Find(p)!)];
    }

    private void Evaluate(List<(CurvePoint Point, AllocationResult Choice)> chosen, PartOfProgress? part)
    {
        // Neighbouring budgets often have the same best choice, and diagonal and Clado the same at the ends.
        var known = curve.Points.DistinctBy(p => p.Key).ToDictionary(p => p.Key);
        var unknown = chosen.Where(m => !known.ContainsKey(m.Point.Key)).DistinctBy(m => m.Point.Key).ToArray();
        using var records = run.OpenRecords();
        var answers = new AnswerRecords(records, images, run.WrittenAs);
        if (unknown.Length > 0)
        {
            // What was looked at is half evaluated.
            var written = unknown.Select((m, i) =>
            {
                var sound = Sound(m.Point, m.Choice);
                part?.Report(0.5 * (i + 1) / unknown.Length);
                return sound;
            }).ToArray();
            var models = written.Select(w => w.Model).ToArray();
            var rest = part is null ? null : new PartOfProgress(part, 0.5, 0.5);
            var work = run.On(images, null, null, cancellation) with { Progress = rest };
            var results = ModelComparison.Evaluate(run.Float, models, run.Sensitivity.Loss, run.Scales, work);
            if (curve.FloatTop1 is null && results[0].LabelHint is { } hint)
            {
                progress?.Report(new StageProgress("labels", hint, null));
            }
            curve = curve with { FloatTop1 = results[0].Top1 };
            answers.Keep(null, results[0]);
            foreach (var ((point, choice), file, result) in unknown.Zip(written, results.Skip(1)))
            {
                run.FileSizeOf(file.Activations?.Plan).Check(point.Budget, result.SizeBytes, choice.Chosen);
                known.Add(point.Key, With(point, result));
                answers.Keep(point, result);
            }
        }
        curve = curve.With([.. chosen.Select(m => (m.Point, Same: known[m.Point.Key])).Select(m => m.Point with
        {
            SizeBytes = m.Same.SizeBytes,
            Top1 = m.Same.Top1,
            Agreement = m.Same.Agreement,
            MeasuredLoss = m.Same.MeasuredLoss,
            Measure = m.Same.Measure,
            MeasureValue = m.Same.MeasureValue,
        })]);
        curve = answers.Compare(curve);
        folder.WriteCurve(curve);
    }

    /// <summary>The model that would be written of a point; one that computes something else than its bits say is refused.</summary>
    private WrittenModel Sound(CurvePoint point, AllocationResult choice) => new DeployingStages(run, null, cancellation)
        .Sound(choice.Chosen, $"the file of {point.Budget} ({point.Method})".ToLowerInvariant());

    private static CurvePoint With(CurvePoint point, EvaluationResult result) => point with
    {
        SizeBytes = result.SizeBytes,
        Top1 = result.Top1,
        Agreement = result.Agreement,
        MeasuredLoss = result.LossIncrease is { } loss && double.IsFinite(loss) ? loss : null,
        Measure = result.Measures?.Measure,
        MeasureValue = result.Measures?.Value,
    };

    private CurvePoint? Find(WantedPoint wanted) =>
        curve.Points.FirstOrDefault(p => p.Method == wanted.Method && p.Budget == wanted.Budget);
}
