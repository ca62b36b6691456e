using System.Globalization;
using Clado.Activations;
using Clado.Allocation;
using Clado.Evaluation;
using Clado.Export;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>What widths inside a layer are worth in files of one size, on images that nothing was fitted to.</summary>
internal static class RowsBenchmark
{
    private const int DefaultImages = 1024;
    private const int TestImages = 5000;

    private static readonly (string Model, string Data, string Preprocess)[] Networks =
    [
        ("resnet20_cifar10", "cifar10", "imagenet"), ("mlperf_resnet8_cifar10", "cifar10", "raw255"),
        ("vit_cifar10", "cifar10", "cifar10"), ("mcunet_imagenet", "imagenet-sample", "tf"),
        ("mobilenetv2_imagenet", "imagenet-sample", "tf"),
    ];

    /// <summary>
    /// Runs on the networks named, with the budgets named (2.5bit …); a number of images, and nearest, may stand among them. frames says
    /// what files are made of; forms, speed: <see cref="FormsBenchmark"/> on the networks named. Shape: [parts].
    /// </summary>
    public static int Run(string[] parts)
    {
        int images = parts.Select(p => int.TryParse(p, out int count) ? count : 0).Append(DefaultImages).First(count => count > 0);
        string[] budgets = [.. parts.Where(p => p.EndsWith("bit", StringComparison.Ordinal))];
        if (parts.Contains("frames"))
        {
            FrameBytes.Show(Directory.GetFiles(SharedInstances.Locate("models"), "*.onnx", SearchOption.AllDirectories).Order());
            FrameBytes.ShowFunctions();
        }
        if (parts.Contains("speed"))
        {
            Console.WriteLine("\n| network | images | W8A8, ms | W8A8, small, times as fast | 3 bits | rows of 2, 3, 4, 8 bits |\n"
                + "|---|---|---|---|---|---|");
        }
        foreach (var network in Networks.Where(n => parts.Contains(n.Model)))
        {
            if (parts.Contains("forms"))
            {
                string[] roundings = [.. parts.Intersect(PipelineOptions.Roundings)];
                FormsBenchmark.Losses(
                    network.Model, network.Data, network.Preprocess, images, [2, 3, 4, 8], roundings.Length > 0 ? roundings : ["feedback"]);
                continue;
            }
            if (parts.Contains("speed"))
            {
                FormsBenchmark.Speed(network.Model);
                continue;
            }
            Compare(network, images, parts.Contains("nearest") ? "nearest" : "feedback", budgets);
        }
        return 0;
    }

    private static void Compare((string Model, string Data, string Preprocess) network, int images, string rounding, string[] budgets)
    {
        MeasuredRun Measure(string granularity) => Pipeline.Measure(new PipelineOptions
        {
            Model = SharedInstances.Locate($"models/{network.Model}.onnx"),
            Images = SharedInstances.Locate($"data/{network.Data}/calibration"),
            Preprocessing = Preprocessing.Parse(network.Preprocess),
            Limit = images,
            Rounding = rounding,
            // What weights lose is looked at.
            Activations = new ActivationOptions { Format = ActivationFormat.Float },
            Granularity = granularity,
            Run = Path.Combine(Path.GetTempPath(), "clado-rows", $"{network.Model}-{rounding}-{images}-{granularity}"),
        });
        var (layers, rows) = (Measure("layer"), Measure("row"));
        var test = ImageFolder.Open(SharedInstances.Locate($"data/{network.Data}/test")).Limit(TestImages, 0);
        Console.WriteLine($"\n## {network.Model}, {rounding}, {images} images, {test.Items.Count:N0} test images\n\n"
            + "| bits | widths of | bytes | bits a weight | found by | predicted | held back | test loss | top-1 | gain |\n"
            + "|---|---|---|---|---|---|---|---|---|---|");
        foreach (var budget in budgets)
        {
            // Files of the size that layers take at this mean.
            var first = layers.Allocate(budget);
            string bytes = first.SizeBytes.ToString(CultureInfo.InvariantCulture) + "B";
            double[] before = Show(budget, "layers", layers, layers.Allocate(bytes), test, null);
            Show(budget, "rows", rows, rows.Allocate(bytes), test, before);
        }
    }

    /// <summary>A line of the table.</summary>
    /// <returns>Loss of every test image.</returns>
    private static double[] Show(string budget, string name, MeasuredRun run, AllocationResult result, ImageSet test, double[]? before)
    {
        var path = Path.Combine(run.RunPath, "written.onnx");
        OnnxFile.Write(ModelWriter.Build(run.Graph, result.Chosen), path);
        long size = new FileInfo(path).Length;
        run.FileSize.Check(path, size, result.Chosen);
        var work = run.On(test, null, null, CancellationToken.None);
        using var records = new RecordStore();
        double[] losses = JointLoss.Measure(
            new MeasurementInputs(run.Graph, run.Rows, work) { Scales = run.Scales }, [run.Rows.RowsOf(result.Chosen)], null, records)[0];
        var evaluation = Evaluator.Evaluate(new(path), new ReferenceFile(run.ModelPath, run.Sensitivity.Loss, run.Scales), new(), work);
        var best = result.Trials.LastOrDefault(trial => trial.IsBest);
        double mean = losses.Average();
        double error = Math.Sqrt(losses.Sum(loss => (loss - mean) * (loss - mean)) / losses.Length / (losses.Length - 1));
        string gain = before is null ? ""
            : $"{100 * (1 - (mean / before.Average())):0} %: {LossGain.Of(losses, before).Mean:0.0000} "
                + $"± {LossGain.Of(losses, before).StandardError:0.0000}";
        Console.WriteLine($"| {budget} | {name} | {size:N0} | {result.BitsPerWeight:0.000} | {result.Surrogate}, round {best?.Round} "
            + $"| {result.PredictedLoss:0.0000} | {best?.HeldBackLoss:0.0000} | {mean:0.0000} ± {error:0.0000} "
            + $"| {evaluation.Top1 * 100:0.00} % | {gain} |");
        return losses;
    }
}
