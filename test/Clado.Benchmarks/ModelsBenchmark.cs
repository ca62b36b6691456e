using Clado.Evaluation;
using Clado.Images;

namespace Clado.Benchmarks;

/// <summary>Every shared model through the whole job at 8, 4 and 3 bits: what comes out, and what it cost.</summary>
internal static class ModelsBenchmark
{
    private const int TestImages = 600;

    // Drawn for the benchmark.
    private const string Pages = "pages";

    // The 1,001 classes of mobilenetv2 begin with a background that the labels do not have: agreement with FP32 is its measure.
    private static readonly (string Model, string Data, string Preprocess, bool Labelled)[] Models =
    [
        ("mlperf_resnet8_cifar10", "cifar10", "raw255", true),
        ("resnet20_cifar10", "cifar10", "imagenet", true),
        ("vit_cifar10", "cifar10", "cifar10", true),
        ("mcunet_imagenet", "imagenet-sample", "tf", true),
        ("mobilenetv2_imagenet", "imagenet-sample", "tf", false),
        ("face_detection", "imagenet-sample", """{"scale": 0.0078125, "mean": [0.9921875], "std": [1], "crop": false}""", false),
        ("ocr_detection", Pages, "imagenet", false),
    ];

    /// <summary>Measures each once, on so many images, and allocates for the three sizes.</summary>
    public static int Run(int images)
    {
        Console.WriteLine(
            $"| model | bits | bytes (FP32) | metric on {TestImages} images | layers quantized, kept | processor seconds: measuring once | "
                + $"choosing and writing |\n|---|---|---|---|---|---|---|");
        var pages = Directory.CreateTempSubdirectory("clado-pages").FullName;
        TextPages.Write(Path.Combine(pages, "calibration"), images, 1);
        TextPages.Write(Path.Combine(pages, "test"), TestImages, 2);
        foreach (var (model, data, preprocess, labelled) in Models)
        {
            var folder = data == Pages ? pages : SharedInstances.Locate($"data/{data}");
            var options = new PipelineOptions
            {
                Model = SharedInstances.Locate($"models/{model}.onnx"),
                Images = Path.Combine(folder, "calibration"),
                Preprocessing = preprocess.StartsWith('{') ? Preprocessing.FromJson(preprocess, "benchmark")
                    : Preprocessing.Parse(preprocess),
                Limit = images,
                Run = Directory.CreateTempSubdirectory("clado-models").FullName,
            };
            MeasuredRun pipeline = null!;
            double measuring = MeasuringBenchmark.Cpu(() => pipeline = Pipeline.Measure(options));
            var test = ImageFolder.Open(Path.Combine(folder, "test")).Limit(TestImages, 0);
            foreach (var budget in (string[])["8bit", "4bit", "3bit"])
            {
                Allocation.AllocationResult result = null!;
                double choosing = MeasuringBenchmark.Cpu(() => result = pipeline.Allocate(budget, rounds: 0));
                var path = Path.Combine(options.Run!, "written.onnx");
                choosing += MeasuringBenchmark.Cpu(() => pipeline.Deploy(result, path).Commit());
                var evaluation = Evaluator.Evaluate(
                    new(path), new(options.Model), new(), new Workload(test, options.Preprocessing) { Resources = options.Resources });
                var metric = labelled ? $"top-1 {evaluation.Top1 * 100:0.0} %, agreement {evaluation.Agreement * 100:0.0} %"
                    : evaluation.Agreement is { } agreement ? $"agreement {agreement * 100:0.0} %"
                    : $"relative output error {Math.Sqrt(evaluation.LossIncrease ?? double.NaN):0.0000}";
                Console.WriteLine($"| {model} | {result.BitsPerWeight:0.00} | {result.SizeBytes:N0} ({pipeline.Graph.FileSizeBytes:N0}) | "
                    + $"{metric} "
                    + $"| {pipeline.Layers.Count}, {pipeline.Kept.Count} | {measuring:0} | {choosing:0} |");
            }
            Directory.Delete(options.Run!, recursive: true);
        }
        Directory.Delete(pages, recursive: true);
        return 0;
    }
}
