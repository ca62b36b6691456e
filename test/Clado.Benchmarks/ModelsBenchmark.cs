using Clado.Evaluation;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using static System.FormattableString;

namespace Clado.Benchmarks;

/// <summary>
/// Networks of every task through the whole job at 8 and 4 bits: what each was taken for, what comes out and what it cost. The shared
/// models, and where a folder is given those in it: networks that packages ship, and PyTorch's exports (exports.py).
/// </summary>
internal static class ModelsBenchmark
{
    private const int TestImages = 256;

    private static readonly string[] Budgets = ["8bit", "4bit"];

    private static readonly PublicNetwork[] Networks =
    [
        new("mlperf_resnet8_cifar10", ImageSource.Cifar, "raw255"),
        new("resnet20_cifar10", ImageSource.Cifar, "imagenet"),
        new("vit_cifar10", ImageSource.Cifar, "cifar10"),
        new("mcunet_imagenet", ImageSource.ImageNet, "tf"),
        new("mobilenetv2_imagenet", ImageSource.ImageNet, "tf") { LabelOffset = 1 },
        new("face_detection", ImageSource.Faces, """{"scale": 0.0078125, "mean": [0.9921875], "std": [1], "crop": false}"""),
        new("ocr_detection", ImageSource.Pages, "imagenet"),
        new("ocr_recognition", ImageSource.Lines, "tf") { Size = "48x320", IsOther = true },
        new("ocr_direction", ImageSource.TurnedLines, "tf") { Size = "48x192", IsOther = true },
        new("resnet18_features", ImageSource.Photos, "imagenet") { IsOther = true },
        new("shufflenet_v2_x0_5", ImageSource.Photos, "imagenet") { IsOther = true },
        new("efficientnet_b0", ImageSource.Photos, "imagenet") { IsOther = true },
        new("lraspp_mobilenet_v3_large", ImageSource.Photos, "imagenet") { IsOther = true, Task = NetworkTask.Segment },
        new("ssdlite320_mobilenet_v3_large", ImageSource.Photos, "unit") { IsOther = true, ScoreThreshold = 0.05 },
    ];

    /// <summary>Measures each once, and allocates for both sizes.</summary>
    /// <param name="images">Images to measure on.</param>
    /// <param name="folder">Folder of networks beside the shared ones; null for none.</param>
    /// <param name="names">Names of networks; empty for all. Shape: [names].</param>
    public static int Run(int images, string? folder, IReadOnlyList<string> names)
    {
        Console.WriteLine($"ONNX Runtime {OrtRuntime.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} cores\n");
        Console.WriteLine(
            "| network | task | layers; bytes kept float | bytes | 8 bits: bytes | measure | 4 bits: bytes | measure "
                + "| processor seconds: measuring; choosing and writing both |\n|---|---|---|---|---|---|---|---|---|");
        using var sources = new ImageSource(images, TestImages);
        foreach (var network in Networks.Where(n => names.Count == 0 || names.Contains(n.Name)))
        {
            var path = !network.IsOther ? SharedInstances.Locate($"models/{network.Name}.onnx")
                : folder is null ? "" : Path.Combine(folder, network.Name + ".onnx");
            if (File.Exists(path))
            {
                Console.WriteLine(Row(network, path, sources, images));
            }
        }
        return 0;
    }

    private static string Row(PublicNetwork network, string path, ImageSource sources, int images)
    {
        var (calibration, test) = sources.Of(network.Source);
        var options = new PipelineOptions
        {
            Model = path,
            Images = calibration,
            Preprocessing = network.Preprocessing,
            Inputs = InputOptions.Parse(null, [], size: network.Size),
            LabelOffset = network.LabelOffset,
            Task = network.Task,
            Limit = images,
            Run = Directory.CreateTempSubdirectory("clado-models").FullName,
        };
        MeasuredRun run = null!;
        double measuring = MeasuringBenchmark.Cpu(() => run = Pipeline.Measure(options)), choosing = 0;
        var cells = new List<string>();
        foreach (var budget in Budgets)
        {
            var file = Path.Combine(options.Run, "written.onnx");
            choosing += MeasuringBenchmark.Cpu(() => run.Deploy(run.Allocate(budget, rounds: 0), file).Commit());
            var evaluation = Evaluator.Evaluate(file, new EvaluationOptions
            {
                Images = test,
                Limit = TestImages,
                Preprocessing = options.Preprocessing,
                Inputs = options.Inputs,
                LabelOffset = network.LabelOffset,
                Task = network.Task,
                Reference = path,
                ScoreThreshold = network.ScoreThreshold,
            });
            cells.Add(Invariant($"{evaluation.SizeBytes:N0} | {Measure(evaluation)}"));
        }
        long kept = run.Kept.Sum(operation => operation.Bytes);
        var row = Invariant($"| {network.Name} | {run.Task}{(network.Task is null ? "" : " (said)")} | {run.Layers.Count}; {kept:N0} ")
            + Invariant($"| {new FileInfo(path).Length:N0} | {string.Join(" | ", cells)} | {measuring:0}; {choosing:0} |");
        Directory.Delete(options.Run, recursive: true);
        return row;
    }

    private static string Measure(EvaluationResult result) => result.Measures switch
    {
        null => Invariant($"agreement {result.Agreement:P1}") + (result.Top1 is { } top1 ? Invariant($", top-1 {top1:P1}") : ""),
        { Measure: MeasureKind.DetectionsKept } m =>
            Invariant($"kept {m.Value:P1} of {m.ReferenceDetections:N0} detections, extra {m.DetectionsExtra:P1}"),
        { Measure: MeasureKind.MeanIou } m => Invariant($"mean IoU {m.Value:P1}, places {m.PixelAgreement:P1}"),
        { Measure: MeasureKind.EmbeddingCosine } m => Invariant($"cosine {m.Value:0.0000}, 1st percentile {m.EmbeddingCosineLow:0.0000}"),
        { } m => Invariant($"relative error {m.Value:0.0000}"),
    };
}

/// <summary>A network to try.</summary>
/// <param name="Name">Name of its file.</param>
/// <param name="Source">Images for it, a name of <see cref="ImageSource"/>.</param>
/// <param name="Preprocess">How they become inputs: a preset, or JSON.</param>
internal sealed record PublicNetwork(string Name, string Source, string Preprocess)
{
    /// <summary>Whether it is none of the shared models.</summary>
    public bool IsOther { get; init; }

    /// <summary>Size of the image, where the file leaves it free.</summary>
    public string? Size { get; init; }

    /// <summary>What is added to the images' classes.</summary>
    public int LabelOffset { get; init; }

    /// <summary>What it is for, where weights at random do not tell.</summary>
    public NetworkTask? Task { get; init; }

    /// <summary>The least score of a detection; with weights at random none is high.</summary>
    public double ScoreThreshold { get; init; } = 0.3;

    public Preprocessing Preprocessing =>
        Preprocess.StartsWith('{') ? Preprocessing.FromJson(Preprocess, "benchmark") : Preprocessing.Parse(Preprocess);
}
