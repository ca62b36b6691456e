using System.Globalization;
using Clado.Calibration;
using Clado.Equalization;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Rounding;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Benchmarks;

/// <summary>What each way of rounding loses with every layer at the same width, and what making candidates costs.</summary>
internal static class RoundingBenchmark
{
    private const int CalibrationImages = 512;
    private const int MixedImages = 128;
    private const int RandomImages = 64;
    private const long MemoryBytes = 8L << 30;

    private static readonly Dictionary<string, Network> Networks = new()
    {
        ["resnet20"] = new("resnet20_cifar10", "cifar10", "imagenet", [2, 3, 4]),
        ["resnet8"] = new("mlperf_resnet8_cifar10", "cifar10", "raw255", [3, 4]),
        ["vit"] = new("vit_cifar10", "cifar10", "cifar10", [3, 4]),
        ["mcunet"] = new("mcunet_imagenet", "imagenet-sample", "tf", [4, 8]),
        ["mobilenetv2"] = new("mobilenetv2_imagenet", "imagenet-sample", "tf", [4, 8]),
    };

    private static int Threads => Environment.ProcessorCount;

    /// <summary>
    /// Runs the parts named: accuracy, equalized, time; networks (resnet50: time alone), and a number of test images. Shape: [parts].
    /// </summary>
    public static int Run(string[] parts)
    {
        Console.WriteLine($"ONNX Runtime {OrtRuntime.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} cores\n");
        int? limit = parts.Select(p => int.TryParse(p, CultureInfo.InvariantCulture, out int n) ? n : (int?)null)
            .FirstOrDefault(n => n is not null);
        var networks = Networks.Where(n => !parts.Any(part => Networks.ContainsKey(part) || part == "resnet50") || parts.Contains(n.Key))
            .Select(n => n.Value).ToArray();
        bool Wanted(string part) => !parts.Intersect(["accuracy", "equalized", "time"]).Any() || parts.Contains(part);
        if (Wanted("accuracy"))
        {
            Accuracy(networks, limit);
        }
        if (Wanted("equalized"))
        {
            Equalized(networks, limit);
        }
        if (Wanted("time"))
        {
            Time(networks, withResNet: networks.Length == Networks.Count || parts.Contains("resnet50"));
        }
        return 0;
    }

    /// <summary>
    /// Every layer at the same width, each part of the rounding added to those before it; quantized inputs are what refining rounds on.
    /// </summary>
    private static void Accuracy(Network[] networks, int? limit)
    {
        Console.WriteLine("| network, test images | rounding | bits | top-1 | agreement with FP32 |\n|---|---|---|---|---|");
        foreach (var network in networks)
        {
            var (graph, layers, calibration, preprocessing) = network.Open();
            var evaluation = new Evaluation(network, graph, preprocessing, limit);
            var inputs = InputMeasurement.Measure(graph, layers,
                new Workload(calibration, preprocessing) { Resources = new() { Threads = Threads, MemoryBytes = MemoryBytes } }).ToArray();
            InputStatistics[] uncorrected = [.. inputs.Select(i => i with { Mean = null })];
            evaluation.Row("FP32", "", graph.Model);
            foreach (int bits in network.Widths)
            {
                IReadOnlyList<int>[] widths = [.. layers.Select(_ => (IReadOnlyList<int>)[bits])];
                void Row(string name, IRounding rounding, InputStatistics[]? statistics) =>
                    evaluation.Row(
                        name, $"{bits}", ModelWriter.Build(
                            graph, CandidateMaker.Make(graph, layers, widths, rounding, statistics, Threads).Items));
                Row("nearest", new NearestRounding(), null);
                Row("+ scale by output error", new NearestByOutput(), uncorrected);
                Row("+ feedback (and coordinate descent)", new FeedbackRounding(), uncorrected);
                Row("+ bias correction (the default)", new FeedbackRounding(), inputs);
                evaluation.Row("+ quantized inputs (refine)", $"{bits}", ModelWriter.Build(
                    graph, CandidateMaker.MakeSequentially(graph, graph, layers, widths, new FeedbackRounding(),
                        new Workload(calibration, preprocessing)
                        {
                            Resources = new() { Threads = Threads, MemoryBytes = MemoryBytes },
                        }).Items));
                evaluation.Row("gpfq on quantized inputs, biases corrected", $"{bits}", ModelWriter.Build(
                    graph, CandidateMaker.MakeSequentially(graph, graph, layers, widths, new GpfqRounding(),
                        new Workload(calibration, preprocessing)
                        {
                            Resources = new() { Threads = Threads, MemoryBytes = MemoryBytes },
                        }).Items));
            }
        }
    }

    /// <summary>Uniform and mixed widths with and without equalization.</summary>
    private static void Equalized(Network[] networks, int? limit)
    {
        Console.WriteLine("\n| network, test images | rounding | bits | top-1 | agreement with FP32 |\n|---|---|---|---|---|");
        foreach (var network in networks)
        {
            var (graph, layers, calibration, preprocessing) = network.Open();
            var evaluation = new Evaluation(network, graph, preprocessing, limit);
            evaluation.Row("FP32", "", graph.Model);
            var pairs = PairFinder.Find(graph, layers);
            foreach (var rounding in (IRounding[])[new NearestRounding(), new FeedbackRounding()])
            {
                var scalings = Equalizer.Choose(graph, pairs, rounding, 4,
                    new Workload(calibration, preprocessing)
                    {
                        Resources = new() { Threads = Threads, MemoryBytes = MemoryBytes },
                        Cancellation = CancellationToken.None,
                    });
                var ratios = string.Join(", ", scalings.Select(s => $"{s.ErrorRatio:0.00}"));
                Console.WriteLine($"| {network.Model} | {rounding.Name}: {scalings.Count} of {pairs.Count} tensors scaled, "
                    + $"output error × {ratios} | | | |");
                var equalized = EqualizedGraph.Of(graph, pairs, scalings);
                foreach (var (name, scaled) in (ReadOnlySpan<(string, Graph)>)[("", graph), (", equalized", equalized)])
                {
                    var own = LayerFinder.Find(scaled).Layers;
                    var inputs = InputMeasurement.Measure(scaled, own,
                        new Workload(calibration, preprocessing)
                        {
                            Resources = new() { Threads = Threads, MemoryBytes = MemoryBytes },
                        }).ToArray();
                    foreach (int bits in (int[])[8, 4])
                    {
                        var made = CandidateMaker.Make(
                            scaled, own, [.. own.Select(_ => (IReadOnlyList<int>)[bits])], rounding, rounding.NeedsInputs ? inputs
                                : null, Threads);
                        evaluation.Row(rounding.Name + name, $"{bits}", ModelWriter.Build(scaled, made.Items));
                    }
                }
            }
            foreach (bool equalize in (bool[])[false, true])
            {
                var run = Pipeline.Measure(new PipelineOptions
                {
                    Model = graph.File,
                    Images = SharedInstances.Locate($"data/{network.Data}/calibration"),
                    Preprocessing = preprocessing,
                    Limit = MixedImages,
                    Equalize = equalize,
                    Estimator = "additive",
                    Run = Path.Combine(Path.GetTempPath(), "clado-rounding", $"{network.Model}-{equalize}"),
                });
                evaluation.Row(
                    $"feedback{(equalize ? ", equalized" : "")}, additive, {MixedImages} images", "mixed 4.0", ModelWriter.Build(
                        run.Graph, run.Allocate("4bit").Chosen));
            }
        }
    }

    /// <summary>
    /// All candidates at 2, 3, 4 and 8 bits, in forward passes over the same images; processor times of one run. Without a name, or by that
    /// of resnet50, a ResNet-50 of random weights too.
    /// </summary>
    private static void Time(Network[] networks, bool withResNet)
    {
        Console.WriteLine(
            "\n| network, images | forward pass, CPU s | inputs | candidates (feedback) | together, in forward passes "
                + "|\n|---|---|---|---|---|");
        foreach (var network in networks)
        {
            var (graph, layers, calibration, preprocessing) = network.Open();
            Time(network.Model, graph, layers, calibration, preprocessing);
        }
        if (withResNet)
        {
            var folder = Directory.CreateTempSubdirectory("clado-resnet50").FullName;
            RandomResNet.Write(folder, RandomImages);
            var graph = Graph.Read(Path.Combine(folder, "resnet50.onnx"));
            var layers = LayerFinder.Find(graph).Layers;
            var images = ImageFolder.Open(Path.Combine(folder, "images"));
            Time("ResNet-50, random", graph, layers, images, Preprocessing.Parse("imagenet"));
            var widest = layers.MaxBy(l => WeightMatrix.Of(l).Columns)!;
            var inputs = InputMeasurement.Measure(graph, [widest],
                new Workload(images, Preprocessing.Parse("imagenet"))
                {
                    Resources = new() { Threads = Threads, MemoryBytes = MemoryBytes },
                }).First();
            double cholesky = MeasuringBenchmark.Cpu(() => ErrorFeedback.Of(inputs.Gram[0], inputs.Columns, 1, Threads));
            Console.WriteLine(
                $"\nCholesky factor of {inputs.Columns:N0} inputs, copies to and from double precision included: {cholesky:0.0} CPU s");
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Time(
        string name, Graph graph, IReadOnlyList<QuantizableLayer> layers, ImageSet calibration, Preprocessing preprocessing)
    {
        double forward = MeasuringBenchmark.Cpu(() => Forward(graph, calibration, preprocessing)), measuring = 0, rounding = 0;
        // Statistics of all layers at once take gigabytes where layers are wide: one after the other, each thrown away.
        using var inputs = InputMeasurement.Measure(graph, layers,
            new Workload(calibration, preprocessing)
            {
                Resources = new() { Threads = Threads, MemoryBytes = MemoryBytes },
            }).GetEnumerator();
        foreach (var layer in layers)
        {
            measuring += MeasuringBenchmark.Cpu(() => inputs.MoveNext());
            rounding += MeasuringBenchmark.Cpu(
                () => CandidateMaker.Make(graph, [layer], [[2, 3, 4, 8]], new FeedbackRounding(), [inputs.Current], Threads));
        }
        Console.WriteLine(
            $"| {name}, {calibration.Items.Count} | {forward:0.0} | {measuring:0.0} | {rounding:0.0} | "
                + $"{(measuring + rounding) / forward:0.0} |");
    }

    private static void Forward(Graph graph, ImageSet images, Preprocessing preprocessing)
    {
        using var session = new GraphSession(graph.Model, graph.File);
        var batches = new ImageBatches(images, graph, preprocessing, 16);
        for (int i = 0; i < batches.Count; i++)
        {
            var batch = batches.Load(i);
            using var input = OrtValue.CreateTensorValueFromMemory(batch.Pixels, batch.Shape);
            using var outputs = session.Run(_ => input);
        }
    }

    /// <summary>A network and how it is run.</summary>
    private sealed record Network(string Model, string Data, string Preprocess, int[] Widths)
    {
        public (Graph Graph, IReadOnlyList<QuantizableLayer> Layers, ImageSet Calibration, Preprocessing Preprocessing) Open()
        {
            var graph = Graph.Read(SharedInstances.Locate($"models/{Model}.onnx"));
            return (graph, LayerFinder.Find(graph).Layers, ImageFolder.Open(SharedInstances.Locate($"data/{Data}/calibration"))
                .Limit(CalibrationImages, 0), Preprocessing.Parse(Preprocess));
        }
    }

    /// <summary>A network's test images.</summary>
    private sealed class Evaluation(Network network, Graph graph, Preprocessing preprocessing, int? limit)
    {
        private readonly ImageSet test = ImageFolder.Open(SharedInstances.Locate($"data/{network.Data}/test")).Limit(limit, 0);

        /// <summary>Prints what a model is worth on them.</summary>
        public void Row(string name, string bits, ModelProto model)
        {
            var path = Path.GetTempFileName();
            OnnxFile.Write(model, path);
            var result = Evaluator.Evaluate(
                new(path), new(graph.File), new(), new Workload(test, preprocessing) { Resources = new() { Threads = Threads } });
            File.Delete(path);
            Console.WriteLine(
                $"| {network.Model}, {test.Items.Count:N0} | {name} | {bits} | {result.Top1 * 100:0.00} % | {result.Agreement * 100:0.0} % "
                    + $"|");
        }
    }

    /// <summary>
    /// Nearest codes whose scale has the least output error: among multiples of the scale of least weight error, then the best for the
    /// codes.
    /// </summary>
    private sealed class NearestByOutput : IRounding
    {
        private const int RatioCount = 24;

        public string Name => "nearest, scale by output error";

        public bool NeedsInputs => true;

        public IReadOnlyList<RoundedWeights> Round(
            QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads)
        {
            var rows = new LayerRows(layer, weights.Span);
            var products = new GramProducts(rows, inputs!, new double[inputs!.Gram.Count], threads);
            return [.. widths.Zip(new NearestRounding().Round(layer, weights, widths, null, threads), (bits, best) =>
            {
                double[] errors = new LayerErrors(products, best).OutputErrors();
                float[] guess = [.. best.Scales];
                for (int i = 0; i < RatioCount; i++)
                {
                    float[] scales = [.. guess.Select(scale => scale * (0.7f + (0.05f * i)))];
                    sbyte[] codes = [.. weights.ToArray().Select((w, e) => (sbyte)Math.Clamp(
                        MathF.Round(w / scales[e / layer.ChannelStride % layer.ChannelCount]), Grid.Lowest(bits), Grid.Highest(bits)))];
                    var rescaled = new LayerErrors(products, new RoundedWeights(codes, scales));
                    rescaled.Rescale();
                    var (tried, own) = (rescaled.Rounded, rescaled.OutputErrors());
                    foreach (int c in Enumerable.Range(0, own.Length).Where(c => own[c] < errors[c]))
                    {
                        (errors[c], best.Scales[c]) = (own[c], tried.Scales[c]);
                        rows.CopyChannel(tried.Codes, best.Codes, c);
                    }
                }
                return best;
            })];
        }
    }
}
