using Clado.Activations;
using Clado.Allocation;
using Clado.Images;
using Clado.Onnx;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Clado.Tuning;
using Xunit;

namespace Clado.Tests.Runs;

/// <summary>Jobs as users run them: everything that is reported was planned.</summary>
public class WholeJobTests
{
    private static readonly string Samples = Path.Combine(Repository.Root, "samples");

    [Fact]
    public void AShareOfTheSampleNeverFallsAndIsOneAtTheEnd()
    {
        using var folder = new TemporaryFolder();
        var options = new PipelineOptions
        {
            Model = Path.Combine(Samples, "resnet20.onnx"),
            Images = Path.Combine(Samples, "images", "calibration"),
            Preprocessing = Preprocessing.Parse(Path.Combine(Samples, "preprocessing.json")),
            Limit = 32,
            Bits = [2, 4],
            Run = folder["run"],
        };
        var log = Quantize(folder, options, "3bit", rounds: 1);
        Check(log, options, rounds: 1);
        // The second time there is nothing to measure.
        Check(Quantize(folder, options, "3bit", rounds: 1), options, rounds: 1);
    }

    [Theory]
    [InlineData("feedback", "kl", ActivationFormat.Int8, false)]
    [InlineData("feedback", "mse", ActivationFormat.Auto, true)]
    [InlineData("nearest", "ce", ActivationFormat.Float, true)]
    public void EveryStageIsPlanned(string rounding, string loss, ActivationFormat activations, bool refine)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        var options = new PipelineOptions
        {
            Model = folder["m.onnx"],
            Images = Harness.Images(folder, "images", 3),
            Preprocessing = Preprocessing.Parse("unit"),
            Rounding = rounding,
            Loss = loss,
            Equalize = refine,
            QuantizedInputs = !refine,
            MeasuredActivations = refine ? ActivationFormat.Float : ActivationFormat.Int8,
            Activations = new() { Format = activations },
            Run = folder["run"],
        };
        Check(Quantize(folder, options, "3bit", rounds: 4, refine), options, rounds: 4, refine);
    }

    /// <summary>Tuning rounds again, whether that is asked for or not, and once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TuningIsPlanned(bool refine)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        var options = new PipelineOptions
        {
            Model = folder["m.onnx"],
            Images = Harness.Images(folder, "images", 3),
            Preprocessing = Preprocessing.Parse("unit"),
            Run = folder["run"],
        };
        var log = Quantize(folder, options, "3bit", rounds: 0, refine, TuningMethod.Network);
        Check(log, options, rounds: 0, refine, TuningMethod.Network);
        Assert.Contains(log.Shares, progress => progress is { Stage: StageNames.Tuning, Share: 1 });
        var planned = PreparedRun.Of(options).JobStages(0, new(refine, true, new(TuningMethod.Network)), compares: false);
        Assert.Single(planned, stage => stage is { Name: StageNames.Refining, Likelihood: 1 });
    }

    /// <summary>Several files are one job: every call is planned, none ends the others, and what runs was said before.</summary>
    [Fact]
    public void SeveralFilesAreOneJob()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        var prepared = PreparedRun.Of(new PipelineOptions
        {
            Model = folder["m.onnx"],
            Images = Harness.Images(folder, "images", 3),
            Preprocessing = Preprocessing.Parse("unit"),
            Run = folder["run"],
        });
        var (log, stop) = (new ProgressLog(), TestContext.Current.CancellationToken);
        var job = prepared.SeveralFiles(log, 2, 2, ("looking", 24));
        var run = prepared.Measure(job, stop);
        int files = 0;
        void Deploy(AllocationResult choice) =>
            run.Deploy(choice, folder[$"{++files}.onnx"], progress: job, cancellation: stop).Dispose();
        Deploy(run.Uniform(8));
        double first = log.Last.Share;
        Assert.Equal(2, log.Last.ToCome.Count(name => name is StageNames.Comparing or StageNames.ActivationRanges));
        Deploy(run.Uniform(2));
        Assert.InRange(log.Last.Share, first, 0.99);
        Assert.Contains(StageNames.Choosing, log.Last.ToCome);
        Deploy(run.Allocate("4bit", progress: job, cancellation: stop));
        Assert.Contains(StageNames.Choosing, log.Last.ToCome);
        Deploy(run.Allocate("3bit", progress: job, cancellation: stop));
        Assert.Equal(["looking"], log.Last.ToCome);
        var looking = StageProgress.Of(job, "looking");
        looking.Report(0);
        looking.Report(1);
        double[] shares = [.. log.Shares.Select(progress => progress.Job!.Share)];
        Assert.Equal(shares.Order(), shares);
        Assert.Equal((1, TimeSpan.Zero), (shares[^1], log.Last.Left));
        string[] said = [.. log.Shares[0].Job!.ToCome, .. log.Shares[0].Job!.Perhaps];
        Assert.All(log.Shares.Skip(1), progress => Assert.Contains(progress.Stage, said));
    }

    /// <summary>Without rounds in it the plan would be shorter by what they cost.</summary>
    [Fact]
    public void RoundsArePlannedAtTheirCost()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        var prepared = PreparedRun.Of(new PipelineOptions
        {
            Model = folder["m.onnx"],
            Images = Harness.Images(folder, "images", 3),
            Preprocessing = Preprocessing.Parse("unit"),
            Run = folder["run"],
        });
        var (inputs, options) = (prepared.Unrounded, prepared.Options.Sensitivity);
        var measured = prepared.Plans.Measuring(prepared, inputs)[^1];
        string[] rounds = [.. Enumerable.Range(1, 4).Select(SearchPlan.Around)];
        var around = SearchPlan.Stages(inputs, options, 4, isFitted: true).Where(stage => rounds.Contains(stage.Name)).ToArray();
        Assert.Equal([1, 0.1, 0.01, 0.001], around.Select(stage => Math.Round(stage.Likelihood, 6)));
        double images = (double)options.Seen(prepared.Images).Items.Count / prepared.Images.Items.Count;
        double Cost(int[] point, string estimator) =>
            new MeasurementPlan(new MeasurementTask(inputs, point, options with { Estimator = estimator }), 1).MacsPerImage
                / prepared.Space.Layers.Layers.Sum(layer => layer.Macs) * images;
        Assert.Equal(Cost([], "fisher"), measured.Cost, 1e-9);
        // The float network runs beside the one with the choice, and the loss's slope goes back too.
        int[] first = [.. inputs.Candidates.LayerOf.Index().DistinctBy(row => row.Item).Select(row => row.Index)];
        Assert.All(around, stage => Assert.Equal(Cost(first, "fisher"), stage.Cost, 1e-9));
        Assert.InRange(around[0].Cost - measured.Cost, 2 * images, 4 * images);
        var log = new ProgressLog();
        prepared.WholeJob(log).Report(new(StageNames.Checking, null, 0));
        Assert.Contains(SearchPlan.Around(1), log.Last.ToCome);
        prepared.WholeJob(log, rounds: 0).Report(new(StageNames.Checking, null, 0));
        Assert.DoesNotContain(SearchPlan.Around(1), log.Last.ToCome);
    }

    private static ProgressLog Quantize(
        TemporaryFolder folder, PipelineOptions options, string budget, int rounds, bool refine = false,
        TuningMethod tune = TuningMethod.None)
    {
        var (log, stop) = (new ProgressLog(), TestContext.Current.CancellationToken);
        var prepared = PreparedRun.Of(options);
        var job = prepared.WholeJob(log, rounds, refine, new(tune));
        var run = prepared.Measure(job, stop);
        var choice = run.Allocate(budget, rounds: rounds, progress: job, cancellation: stop);
        using var deployment = run.Deploy(choice, folder["q.onnx"], refine, evaluate: true, new(tune), job, stop);
        run.MeasureBiases(choice, job, stop);
        run.UniformAround(deployment.Model.SizeBytes, job, stop);
        return log;
    }

    private static void Check(
        ProgressLog log, PipelineOptions options, int rounds, bool refine = false, TuningMethod tune = TuningMethod.None)
    {
        double[] shares = [.. log.Shares.Select(progress => progress.Job!.Share)];
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares[^1]);
        Assert.Equal(TimeSpan.Zero, log.Last.Left);
        var prepared = PreparedRun.Of(options);
        var steps = new DeployingSteps(refine, Evaluate: true, new(tune));
        var planned = prepared.JobStages(rounds, steps, compares: true).Select(stage => stage.Name).ToHashSet();
        Assert.All(log.Shares.Skip(1), progress => Assert.Contains(progress.Stage, planned));
        // Before anything runs, all is listed, with the time it takes.
        var first = log.Shares[0];
        Assert.Equal((StageNames.WholeJob, 0), (first.Stage, first.Share));
        Assert.True(first.Job!.Left > TimeSpan.Zero);
        Assert.Equal(planned, [.. first.Job.ToCome, .. first.Job.Perhaps]);
    }
}
