using Clado.Activations;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Evaluation;

/// <summary>The same weights on the same images have one loss, whoever measures it.</summary>
public class OneScaleTests
{
    // Kernels are fused differently where a graph is cut or its batch is another.
    private const double SinglePrecision = 1e-4;

    [Fact]
    public void SearchEvaluationSweepAndBiasesAgree()
    {
        using var folder = new TemporaryFolder();
        var (pipeline, images) = Run(folder);
        var result = pipeline.Allocate("3bit", cancellation: TestContext.Current.CancellationToken);
        var deployed = pipeline.Deploy(
            result, folder["out.onnx"], evaluate: true, cancellation: TestContext.Current.CancellationToken).Commit();
        double measured = deployed.Evaluation!.LossIncrease!.Value;
        Assert.InRange(measured, 1e-3, 1);
        var (curve, _) = pipeline.Sweep(new SweepOptions { Budgets = ["3bit"] }, cancellation: TestContext.Current.CancellationToken);
        double?[] others =
        [
            result.MeasuredLoss,
            pipeline.MeasureBiases(result, cancellation: TestContext.Current.CancellationToken)!.CorrectedLoss,
            curve.Of(CurveMethod.Clado).Single().MeasuredLoss,
            // Without a run the scale is measured on the images given, which are those of the run here.
            Evaluator.Evaluate(
                new(folder["out.onnx"]), new(folder["net.onnx"], "mse"), new(),
                new Workload(images, Preprocessing.Parse("unit")) { Cancellation = TestContext.Current.CancellationToken }).LossIncrease,
        ];
        Assert.All(others, other => Assert.Equal(measured, other!.Value, SinglePrecision * measured));
    }

    [Fact]
    public void OtherImagesAreMeasuredOnTheScaleOfTheRun()
    {
        using var folder = new TemporaryFolder();
        var (pipeline, _) = Run(folder);
        // Brighter images: what they change is something else.
        var others = ImageFolder.Open(Harness.Images(folder, "others", 4, seed: 9));
        others = new ImageSet(others.Folder, [.. others.Items.Where(i => i.Label is 0 or 1)]);
        Directory.CreateDirectory(folder["bright"]);
        foreach (var item in others.Items)
        {
            File.Copy(item.Path, Path.Combine(folder["bright"], Path.GetFileName(item.Path)));
        }
        var sweep = new SweepOptions { Budgets = ["3bit"], Images = folder["bright"] };
        var (curve, _) = pipeline.Sweep(sweep, cancellation: TestContext.Current.CancellationToken);
        var result = pipeline.Allocate("3bit", cancellation: TestContext.Current.CancellationToken);
        pipeline.Deploy(result, folder["out.onnx"], cancellation: TestContext.Current.CancellationToken).Commit();
        double Evaluate(bool ofTheRun) => Evaluator.Evaluate(
            folder["out.onnx"],
            new EvaluationOptions
            {
                Images = folder["bright"],
                Preprocessing = Preprocessing.Parse("unit"),
                Reference = folder["net.onnx"],
                Scales = ofTheRun ? pipeline.Scales : null,
            },
            cancellation: TestContext.Current.CancellationToken).LossIncrease!.Value;
        double point = curve.Of(CurveMethod.Clado).Single().MeasuredLoss!.Value;
        Assert.Equal(Evaluate(ofTheRun: true), point, SinglePrecision * point);
        Assert.True(Math.Abs(Evaluate(ofTheRun: false) - point) > 0.01 * point);
    }

    [Fact]
    public void TheScaleIsKeptAndARunWithoutItIsRefused()
    {
        using var folder = new TemporaryFolder();
        var (pipeline, _) = Run(folder);
        var file = Path.Combine(folder["run"], "scales.json");
        var written = File.ReadAllText(file);
        File.Delete(file);
        var error = Assert.Throws<Clado.Records.RunFolderException>(() => Pipeline.Open(folder["run"]));
        Assert.Contains("scales.json", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, Harness.Command("report", "--run", folder["run"], "-o", folder["page.html"]).Code);
        // Measuring makes it again as it was, with other threads and less memory.
        Run(folder, threads: 1, memory: 1L << 30);
        Assert.Equal(written, File.ReadAllText(file));
    }

    [Fact]
    public void PartsAreShownAndInJson()
    {
        using var folder = new TemporaryFolder();
        Run(folder);
        string[] command =
        [
            "quantize", folder["net.onnx"], "--images", folder["set"], "--run", folder["run"], "--preprocess", "unit",
            "--budget", "3bit", "-o", folder["out.onnx"], "--activations", "float",
        ];
        Assert.Contains("output 'y': 8 parts along axis 1", Harness.Command(command).Output, StringComparison.Ordinal);
        Assert.Contains("""
              "outputs": [
                {
                  "name": "y",
                  "parts": 8,
                  "axes": [
                    1
                  ]
                }
              ],
            """, Harness.Command([.. command, "--json"]).Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        var inspected = Harness.Command("inspect", folder["net.onnx"]).Output;
        Assert.Contains("output 'y': [1, 8, 36] an image, compared by mse", inspected, StringComparison.Ordinal);
        Harness.Command("report", "--run", folder["run"]);
        Assert.Contains("8 parts along axis 1", File.ReadAllText(Path.Combine(folder["run"], "report.html")), StringComparison.Ordinal);
    }

    private static (MeasuredRun Pipeline, ImageSet Images) Run(TemporaryFolder folder, int threads = 2, long? memory = null)
    {
        if (!File.Exists(folder["net.onnx"]))
        {
            OnnxFile.Write(Heads.ChannelAxis().Build(), folder["net.onnx"]);
            // Colour by colour: the first batch is not like all images.
            Harness.Images(folder, "set", 6);
        }
        var options = new PipelineOptions
        {
            Model = folder["net.onnx"],
            Images = folder["set"],
            Preprocessing = Preprocessing.Parse("unit"),
            Run = folder["run"],
            Activations = new ActivationOptions { Format = ActivationFormat.Float },
            Resources = new() { Threads = threads, MemoryBytes = memory ?? 4L << 30 },
        };
        return (Pipeline.Measure(options, cancellation: TestContext.Current.CancellationToken), ImageFolder.Open(folder["set"]));
    }
}
