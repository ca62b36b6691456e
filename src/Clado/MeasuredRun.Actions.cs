using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Images;
using Clado.Sensitivity;
using Clado.Tuning;

namespace Clado;

/// <content>What is done with a measured network.</content>
public sealed partial class MeasuredRun
{
    /// <summary>
    /// Chooses the bits of every layer. With the estimator auto several surrogates are solved and their choices measured on the network.
    /// Then, as with any estimator where rounds are asked for, sensitivities are measured again around the best choice until that finds
    /// nothing better.
    /// </summary>
    /// <param name="budget">Text of the budget, see <see cref="Budget.Parse"/>.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <param name="rounds">Rounds at most; null for 4 with the estimator auto, else 0. Range: [0, inf).</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; what is measured is kept in the run folder.</param>
    /// <exception cref="CladoException">The budget is none, or the run's images are not there or have changed.</exception>
    public AllocationResult Allocate(
        string budget, AllocationLimits? limits = null, int? rounds = null, IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var result = Choose(budget, limits, rounds, progress, cancellation);
        result = result with { Growth = Growth.Of(result, measured.Space, Activations.Format) };
        if (result.Chosen.Count > 0)
        {
            folder.WriteJson("allocation", NameOf(result), ToJson(result));
        }
        return result;
    }

    /// <summary>The same, not kept in the run folder.</summary>
    /// <param name="budget">Text of the budget.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <param name="rounds">Rounds at most; null for the default.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; what is measured is kept in the run folder.</param>
    /// <param name="ledger">Is told what it takes, or null.</param>
    internal AllocationResult Choose(
        string budget, AllocationLimits? limits, int? rounds, IProgress<StageProgress>? progress, CancellationToken cancellation,
        PassLedger? ledger = null)
    {
        var parsed = BudgetOf(budget, Graph, Activations, limits);
        int most = rounds ?? OwnRounds;
        if (!options.IsAutomatic && most == 0)
        {
            var allocator = new AutomaticAllocator();
            var solved = BitAllocation.Allocate(Surrogate.Of(Sensitivity), Rows, FileSize, parsed, allocator, cancellation);
            (progress as Job)?.Finish(JobPart.Choosing);
            return solved with { Rounds = rounds, Kept = Kept };
        }
        var inputs = MeasurementInputs(progress, cancellation);
        var job = Job.Of(progress, () => Searching(inputs, most));
        inputs = inputs with { Work = inputs.Work with { Ledger = ledger } };
        using var records = folder.OpenRecords(mustKeep: false);
        var measurement = new ChoiceMeasurement(inputs, Sensitivity.Checks, options, records, job);
        var judge = new ChoiceJudge(folder.Description.RoundsOnImages, measurement.HoldsBack);
        var search = new AllocationSearch(Rows, FileSize, measurement, judge, job, cancellation);
        var surrogates = options.IsAutomatic ? Surrogate.Portfolio(Sensitivity, folder.Description.MixesRows) : [Surrogate.Of(Sensitivity)];
        var found = search.Find(surrogates, parsed, Estimators.AroundChoices(Sensitivity.Estimator), most);
        job?.Finish(JobPart.Choosing);
        return found with { Rounds = rounds, Kept = Kept };
    }

    /// <summary>
    /// The choice of least loss by what was measured of the float network: the matrix of the run's estimator. Nothing more is measured for
    /// it, so it takes a second, and needs no images; what is best by the matrix may not be best on the network.
    /// </summary>
    /// <param name="budget">Text of the budget, see <see cref="Budget.Parse"/>.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="CladoException">The budget is none.</exception>
    public AllocationResult Predict(string budget, AllocationLimits? limits = null, CancellationToken cancellation = default)
    {
        var result = PredictBy(budget, limits, new AutomaticAllocator(), cancellation);
        if (result.Chosen.Count > 0)
        {
            folder.WriteJson("allocation", NameOf(result), ToJson(result));
        }
        return result;
    }

    /// <summary>The same, not kept in the run folder.</summary>
    /// <param name="budget">Text of the budget.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <param name="allocator">Solves.</param>
    /// <param name="cancellation">Stops.</param>
    internal AllocationResult PredictBy(string budget, AllocationLimits? limits, IAllocator allocator, CancellationToken cancellation)
    {
        var parsed = BudgetOf(budget, Graph, Activations, limits);
        var result = BitAllocation.Allocate(Surrogate.Of(Sensitivity), Rows, FileSize, parsed, allocator, cancellation);
        result = result with { Kept = Kept, IsPredicted = true };
        return result with { Growth = Growth.Of(result, measured.Space, Activations.Format) };
    }

    /// <summary>All layers at one width.</summary>
    /// <param name="bits">The width, one that was measured. Range: [2, 8].</param>
    /// <returns>The choice, with nothing known of how good it is.</returns>
    public AllocationResult Uniform(int bits)
    {
        var budget = Budget.Parse(FormattableString.Invariant($"{bits}bit"), Graph.FileSizeBytes);
        return BitAllocation.Given(Rows.Uniform(bits), Surrogate.Of(Sensitivity), Rows, FileSize, budget);
    }

    /// <summary>A choice, with nothing known of how good it is.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    internal AllocationResult Given(IReadOnlyList<Candidate> chosen)
    {
        var budget = Budget.Parse(FormattableString.Invariant($"{chosen.Max(candidate => candidate.Bits)}bit"), Graph.FileSizeBytes);
        return BitAllocation.Given(chosen, Surrogate.Diagonal(Sensitivity), Rows, FileSize, budget);
    }

    /// <summary>Checks what tuning wants, before anything is chosen: images enough, and gradients.</summary>
    /// <param name="method">What will be asked for.</param>
    /// <exception cref="CladoException">They are not there.</exception>
    public void CheckTuning(TuningMethod method) => TuningStages.Check(method, measured.Space, folder.Description.ImageCount);

    /// <summary>
    /// Writes the quantized model beside its destination and looks at it.
    /// Its size is the predicted one; its outputs are those of a simulation of its bits in floats.
    /// It gets its name by <see cref="Deployment.Commit"/>.
    /// </summary>
    /// <param name="allocation">The choice.</param>
    /// <param name="path">Destination; what lies there is replaced by a sound file or left.</param>
    /// <param name="refine">
    /// Whether every layer is rounded again, now that all widths are known, on what the layers before it leave it.
    /// That is kept where the measured loss falls.
    /// </param>
    /// <param name="evaluate">Whether the file is evaluated on the run's images; it is where it is refined.</param>
    /// <param name="tune">
    /// What is done with codes, scales and biases now that all widths are known; that is kept where it loses less on every fourth image,
    /// which is held back. Rounding again is its beginning, so <paramref name="refine"/> changes nothing then.
    /// </param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; nothing is left then, but epochs of tuning that are done, in the run folder.</param>
    /// <exception cref="CladoException">
    /// The destination is the float model itself; the run's images are needed and not there, or have changed;
    /// or the file computes something else than its bits say, which is a defect of Clado's or ONNX Runtime's.
    /// </exception>
    /// <exception cref="InvalidOperationException">The file's size is not the predicted one: a defect of this library.</exception>
    public Deployment Deploy(
        AllocationResult allocation, string path, bool refine = false, bool evaluate = false, TuningMethod tune = TuningMethod.None,
        IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        var job = Job.Of(progress, () => Plans.Deploying(Plan, Activations.Format, new(refine, evaluate, tune)));
        var stages = new DeployingStages(this, job, cancellation);
        var deployment = tune == TuningMethod.Network ? stages.DeployTuned(allocation, path, evaluate)
            : refine ? stages.DeployBetter(allocation, path)
            : stages.Deploy(allocation, path, evaluate);
        job?.Finish(JobPart.Deploying);
        return deployment;
    }

    /// <summary>Measures what corrected biases gain on the run's images.</summary>
    /// <param name="allocation">The chosen candidates.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>null where no bias was corrected.</returns>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public BiasEffect? MeasureBiases(
        AllocationResult allocation, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        var job = Job.Of(progress, () => JobPlans.Biases);
        var effect = BiasEffect.Measure(
            Graph, allocation.Chosen, () => WeightLoss(allocation.Chosen, StageNames.Biases, job, cancellation), Scales, Sensitivity.Loss,
            On(StageNames.Biases, job, cancellation));
        job?.Finish(JobPart.Biases);
        return effect;
    }

    /// <summary>The size–accuracy curve: allocates for many budgets and evaluates what would be written.</summary>
    /// <param name="sweep">Budgets and evaluation images.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; finished points are kept in the run folder.</param>
    /// <returns>The curve, and the budgets that no choice keeps.</returns>
    /// <exception cref="CladoException">A budget or the images cannot be used.</exception>
    public (Curve Curve, IReadOnlyList<AllocationResult> Infeasible) Sweep(
        SweepOptions sweep, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        var job = Job.Of(progress, () => JobPlans.Sweep);
        var found = new CurveMeasurement(this, folder, sweep, job, cancellation).Run();
        job?.Finish(JobPart.Curve);
        return found;
    }

    /// <summary>
    /// Looks for the smallest network that loses at most so many points, by bisection along the curve;
    /// see <see cref="CurvePoint.Drop"/>.
    /// </summary>
    /// <param name="targetDrop">
    /// Points of top-1, of agreement where there are no labels, of its task's measure where it is no classifier. Range: [0, 100].
    /// </param>
    /// <param name="sweep">Evaluation images; budgets are looked for.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; finished points are kept in the run folder.</param>
    /// <returns>The smallest point found, or null where none keeps the drop, and all points measured so far on these images.</returns>
    /// <exception cref="CladoException">The images cannot be used, or nothing that could drop is defined on them.</exception>
    public (CurvePoint? Found, Curve Curve) FindSmallest(
        double targetDrop, SweepOptions sweep, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        var job = Job.Of(progress, () => JobPlans.Search);
        var found = new CurveMeasurement(this, folder, sweep, job, cancellation).FindSmallest(targetDrop);
        job?.Finish(JobPart.Curve);
        return found;
    }

    /// <summary>The networks of one width next to a size, measured on the run's images.</summary>
    /// <param name="sizeBytes">Bytes of the file to compare with.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The largest that is no larger and the smallest that is larger, as far as there are such. Shape: [1 to 2].</returns>
    public IReadOnlyList<CurvePoint> UniformAround(
        long sizeBytes, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        var job = Job.Of(progress, () => Plans.Uniform);
        var points = new CurveMeasurement(this, folder, new SweepOptions(), job, cancellation).UniformAround(sizeBytes);
        job?.Finish(JobPart.Curve);
        return points;
    }

    private MeasurementInputs MeasurementInputs(IProgress<StageProgress>? progress, CancellationToken cancellation) =>
        ToMeasure(null, progress, cancellation);
}
