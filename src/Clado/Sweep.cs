using System.Globalization;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;
using Clado.Packing;
using Clado.Runs;
using Clado.Sensitivity;
using Clado.Sweeps;
using static System.FormattableString;

namespace Clado;

/// <summary>
/// Goes along the size–accuracy curve of a run: allocates for each budget and evaluates what would be written. Every finished group of points is kept in the
/// run folder, and what is there is not done again.
/// </summary>
internal sealed class Sweep
{
    // A kernel that is wrong is wrong on every image; a file that is exported is looked at on more.
    private const int ImagesToCompare = 32;

    private readonly Pipeline pipeline;
    private readonly RunFolder folder;
    private readonly Resources resources;
    private readonly SweepOptions options;
    private readonly IProgress<StageProgress>? progress;
    private readonly ImageSet images;
    private readonly Readout readout;
    private readonly FileSize fileSize;
    private Curve curve;

    public Sweep(Pipeline pipeline, RunFolder folder, Resources resources, SweepOptions options, IProgress<StageProgress>? progress)
    {
        (this.pipeline, this.folder, this.resources, this.options, this.progress) = (pipeline, folder, resources, options, progress);
        images = options.Images is { } path ? ImageFolder.Open(path).Limit(options.Limit, options.Seed) : folder.Images();
        readout = Readout.Of(pipeline.Graph);
        readout.CheckLabels(images);
        LossKind.Named(pipeline.Sensitivity.Loss).Check(pipeline.Graph, readout, images);
        fileSize = pipeline.FileSize;
        curve = new Curve
        {
            ImagesPath = Path.GetFullPath(images.Folder),
            Images = images.Items.Count,
            ImagesSha256 = images.Sha256,
            Limit = options.Images is null ? null : options.Limit,
            Seed = options.Seed,
            Rounds = options.Rounds,
            Activations = pipeline.WrittenAs,
            FloatBytes = pipeline.Graph.FileSizeBytes,
        };
        curve = folder.ReadCurve(curve) ?? curve;
    }

    /// <summary>Bytes of the smallest file and of the one with all layers at their widest.</summary>
    private (long Smallest, long Largest) Range => (Diagonal("none").SmallestBytes, Size(Widest));

    private IReadOnlyList<Candidate> Widest => pipeline.Candidates.Uniform(Widths[^1]);

    private int[] Widths => [.. pipeline.Candidates.Items.Select(c => c.Bits).Distinct().Order()];

    /// <summary>The curve at the budgets asked for, uniform networks and the diagonal choices beside it.</summary>
    /// <returns>The curve, and the budgets that no choice keeps.</returns>
    public (Curve Curve, IReadOnlyList<AllocationResult> Infeasible) Run(CancellationToken cancellation)
    {
        IReadOnlyList<string> budgets = options.Budgets.Count > 0 ? options.Budgets : [.. Choose().Select(b => $"{b}")];
        var possible = budgets.Distinct().Select(Diagonal).ToLookup(r => r.Chosen.Count > 0);
        Point[] wanted =
        [
            .. Widths.Select(bits => new Point(CurveMethod.Uniform, $"{bits}bit")),
            .. possible[true].SelectMany(r => (Point[])[new(CurveMethod.Clado, r.Budget.Text), new(CurveMethod.Diagonal, r.Budget.Text)]),
        ];
        Measure(wanted, "sweep", cancellation);
        return (curve with { Points = [.. curve.Points.Where(p => wanted.Contains(new(p.Method, p.Budget)))] }, [.. possible[false]]);
    }

    /// <summary>The smallest network that loses fewer points of accuracy than that; null where none does.</summary>
    /// <returns>The point, or null, and all that was measured.</returns>
    public (CurvePoint? Found, Curve Curve) FindSmallest(double targetDrop, CancellationToken cancellation)
    {
        var (smallest, largest) = Range;
        CurvePoint At(long budget)
        {
            var point = Measure([new(CurveMethod.Clado, $"{budget}")], Invariant($"{budget:N0} bytes"), cancellation)[0];
            progress?.Report(new StageProgress(Invariant($"{point.SizeBytes:N0} bytes"), Invariant($"a drop of {point.Drop(curve.FloatTop1):0.00} points"), null));
            return point;
        }

        if (!readout.IsClassifier)
        {
            throw new CladoException($"{Path.GetFileName(pipeline.Graph.File)}: --target-drop wants a classifier, whose accuracy can drop; choose a size with --budgets instead");
        }
        // Something has to be measured to know what the float network reaches.
        _ = At(largest);
        var found = TargetSearch.Find([.. curve.Of(CurveMethod.Clado)], smallest, largest, point => point.Drop(curve.FloatTop1) <= targetDrop, At);
        return (found, curve);
    }

    /// <summary>The uniform networks next to a size: the largest that is no larger, and the smallest above it.</summary>
    public IReadOnlyList<CurvePoint> UniformAround(long sizeBytes, CancellationToken cancellation)
    {
        var sizes = Widths.Select(bits => (Bits: bits, Size: Size(pipeline.Candidates.Uniform(bits)))).OrderBy(w => w.Size).ToArray();
        int above = Array.FindIndex(sizes, w => w.Size > sizeBytes);
        int[] beside = above < 0 ? [sizes.Length - 1] : above == 0 ? [0] : [above - 1, above];
        return Measure([.. beside.Select(i => new Point(CurveMethod.Uniform, $"{sizes[i].Bits}bit"))], "uniform widths", cancellation);
    }

    /// <summary>Where the curve is worth looking at, by what the single losses predict: the rest of the sweep takes longer than asking them.</summary>
    private IReadOnlyList<long> Choose()
    {
        var (smallest, largest) = Range;
        var losses = new Dictionary<long, double>();
        return CurveBudgets.Choose(smallest, largest, options.PointCount, budget =>
            losses.TryGetValue(budget, out double known) ? known : losses[budget] = Diagonal($"{budget}").PredictedLoss);
    }

    /// <summary>Measures what is missing of the points, in groups that share the decoding of images and the float pass, and keeps each group.</summary>
    private CurvePoint[] Measure(IReadOnlyList<Point> wanted, string stage, CancellationToken cancellation)
    {
        var missing = wanted.Where(p => Find(p) is null).ToArray();
        var share = StageShare.Of(progress, stage);
        int done = 0, together = MemoryPlan.OfWhole(pipeline.Graph, resources.MemoryBytes).Networks;
        foreach (var group in missing.Chunk(together))
        {
            var made = new List<(CurvePoint Point, IReadOnlyList<Candidate> Chosen)>();
            foreach (var point in group)
            {
                made.Add(Make(point, cancellation));
                // A point is half done when its bits are chosen.
                share?.Report((done + (0.5 * made.Count)) / missing.Length);
            }
            var evaluating = share is null ? null : new Part(share, (done + (0.5 * group.Length)) / missing.Length, 0.5 * group.Length / missing.Length);
            Evaluate(made, evaluating, cancellation);
            done += group.Length;
        }
        return [.. wanted.Select(p => Find(p)!)];
    }

    private void Evaluate(List<(CurvePoint Point, IReadOnlyList<Candidate> Chosen)> made, IProgress<double>? part, CancellationToken cancellation)
    {
        // Neighbouring budgets often have the same best choice, and diagonal and Clado the same at the ends.
        static string Key(CurvePoint p) => string.Join(' ', p.Allocation.Values);
        var known = curve.Points.DistinctBy(Key).ToDictionary(Key);
        var unknown = made.Where(m => !known.ContainsKey(Key(m.Point))).DistinctBy(m => Key(m.Point)).ToArray();
        if (unknown.Length > 0)
        {
            var models = unknown.Select(m => Sound(m.Point, m.Chosen, cancellation)).ToArray();
            var results = ModelComparison.Evaluate(
                pipeline.Graph, models, pipeline.Sensitivity.Loss, pipeline.Scales, new Workload(images, folder.Preprocessing)
                {
                    Resources = resources,
                    Progress = part,
                    Cancellation = cancellation,
                });
            curve = curve with { FloatTop1 = results[0].Top1 };
            foreach (var ((point, chosen), result) in unknown.Zip(results.Skip(1)))
            {
                fileSize.Check(point.Budget, result.SizeBytes, chosen);
                known.Add(Key(point), With(point, result));
            }
        }
        curve = curve.With([.. made.Select(m => (m.Point, Same: known[Key(m.Point)])).Select(m =>
            m.Point with { Top1 = m.Same.Top1, Agreement = m.Same.Agreement, MeasuredLoss = m.Same.MeasuredLoss })]);
        folder.WriteCurve(curve);
    }

    /// <summary>The model that would be written of a point; one that computes something else than its bits say is nothing to measure.</summary>
    private ModelProto Sound(CurvePoint point, IReadOnlyList<Candidate> chosen, CancellationToken cancellation)
    {
        var activations = pipeline.MeasureRanges(chosen, null, cancellation);
        var model = ModelWriter.Build(pipeline.Graph, chosen, activations);
        var name = $"the file of {point.Budget} ({point.Method})".ToLowerInvariant();
        pipeline.Compare(model, name, chosen, activations, ImagesToCompare, null, cancellation).ThrowIfBroken(name);
        return model;
    }

    private static CurvePoint With(CurvePoint point, EvaluationResult result) =>
        point with { Top1 = result.Top1, Agreement = result.Agreement, MeasuredLoss = result.LossIncrease is { } loss && double.IsFinite(loss) ? loss : null };

    private CurvePoint? Find(Point wanted) => curve.Points.FirstOrDefault(p => p.Method == wanted.Method && p.Budget == wanted.Budget);

    private (CurvePoint Point, IReadOnlyList<Candidate> Chosen) Make(Point point, CancellationToken cancellation)
    {
        if (point.Method == CurveMethod.Uniform)
        {
            var uniform = pipeline.Candidates.Uniform(int.Parse(point.Budget[..^"bit".Length], CultureInfo.InvariantCulture));
            long size = Size(uniform);
            double predicted = Surrogate.Of(pipeline.Sensitivity).Loss(pipeline.Candidates.RowsOf(uniform));
            return (Of(point, size, size, uniform) with { PredictedLoss = predicted }, uniform);
        }
        var result = point.Method == CurveMethod.Diagonal
            ? Diagonal(point.Budget)
            : pipeline.Allocate(point.Budget, rounds: options.Rounds, cancellation: cancellation);
        var made = Of(point, result.Budget.FileBytes, result.SizeBytes, result.Chosen);
        return (made with { PredictedLoss = result.PredictedLoss, Gap = double.IsFinite(result.Gap) ? result.Gap : null }, result.Chosen);
    }

    private static CurvePoint Of(Point point, long? budgetBytes, long sizeBytes, IReadOnlyList<Candidate> chosen) => new()
    {
        Method = point.Method,
        Budget = point.Budget,
        BudgetBytes = budgetBytes,
        SizeBytes = sizeBytes,
        BitsPerWeight = (double)chosen.Sum(c => c.Bits * c.Layer.Parameters) / chosen.Sum(c => c.Layer.Parameters),
        Allocation = chosen.ToDictionary(c => c.Layer.Name, c => c.Bits),
    };

    private AllocationResult Diagonal(string budget) => BitAllocation.Allocate(
        Surrogate.Diagonal(pipeline.Sensitivity), pipeline.Candidates, fileSize, Budget.Parse(budget, pipeline.Graph.FileSizeBytes), new AutomaticAllocator());

    private long Size(IReadOnlyList<Candidate> chosen) => fileSize.Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits));

    /// <summary>A point that is wanted.</summary>
    private sealed record Point(CurveMethod Method, string Budget);

    /// <summary>Reports the share of a part as that of the whole.</summary>
    private sealed class Part(IProgress<double> whole, double start, double length) : IProgress<double>
    {
        public void Report(double value) => whole.Report(start + (length * value));
    }
}
