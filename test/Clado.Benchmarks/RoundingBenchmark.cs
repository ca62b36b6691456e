using System.Globalization;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Benchmarks;

/// <summary>What each way of rounding loses with every layer at the same width, and what making candidates costs.</summary>
internal static class RoundingBenchmark
{
    private const int CalibrationImages = 512;
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

    /// <summary>Runs the parts named: accuracy or time, networks, and a number of test images. Shape: [parts].</summary>
    public static int Run(string[] parts)
    {
        Console.WriteLine($"ONNX Runtime {OrtRuntime.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} cores\n");
        int? limit = parts.Select(p => int.TryParse(p, CultureInfo.InvariantCulture, out int n) ? n : (int?)null).FirstOrDefault(n => n is not null);
        var networks = Networks.Where(n => !parts.Any(Networks.ContainsKey) || parts.Contains(n.Key)).Select(n => n.Value).ToArray();
        if (!parts.Contains("time"))
        {
            Accuracy(networks, limit);
        }
        if (!parts.Contains("accuracy"))
        {
            Time(networks);
        }
        return 0;
    }

    private static void Accuracy(Network[] networks, int? limit)
    {
        Console.WriteLine("| network, test images | rounding | bits | top-1 | agreement with FP32 |\n|---|---|---|---|---|");
        foreach (var network in networks)
        {
            var (graph, layers, calibration, preprocessing) = network.Open();
            var test = ImageFolder.Open(SharedInstances.Locate($"data/{network.Data}/test")).Limit(limit, 0);
            var inputs = InputMeasurement.Measure(graph, layers, calibration, preprocessing, Threads, MemoryBytes).ToArray();
            void Row(string name, int bits, IReadOnlyList<Candidate> chosen)
            {
                using var file = new TemporaryFile();
                OnnxFile.Write(ModelWriter.Build(graph, chosen), file.Path);
                var result = Evaluator.Evaluate(file.Path, test, preprocessing, graph.File, null, Threads);
                Console.WriteLine($"| {network.Model}, {test.Items.Count:N0} | {name} | {bits} | {result.Top1 * 100:0.00} % | {result.Agreement * 100:0.0} % |");
            }

            foreach (int bits in network.Widths)
            {
                IReadOnlyList<int>[] widths = [.. layers.Select(_ => (IReadOnlyList<int>)[bits])];
                foreach (var rounding in (IRounding[])[new NearestRounding(), new GpfqRounding(), new FeedbackRounding()])
                {
                    Row($"{rounding.Name}{(rounding.NeedsInputs ? ", float inputs" : "")}", bits, CandidateMaker.Make(graph, layers, widths, rounding, rounding.NeedsInputs ? inputs : null, Threads).Items);
                    if (rounding.NeedsInputs)
                    {
                        Row($"{rounding.Name}, quantized inputs", bits, CandidateMaker.MakeInTurn(graph, layers, widths, rounding, calibration, preprocessing, Threads, MemoryBytes).Items);
                    }
                }
            }
        }
    }

    /// <summary>All candidates at 2, 3, 4 and 8 bits, in forward passes over the same images; processor times of one run.</summary>
    private static void Time(Network[] networks)
    {
        Console.WriteLine("\n| network, images | forward pass, CPU s | inputs | candidates (feedback) | together, in forward passes |\n|---|---|---|---|---|");
        foreach (var network in networks)
        {
            var (graph, layers, calibration, preprocessing) = network.Open();
            double forward = MeasuringBenchmark.Cpu(() => Forward(graph, calibration, preprocessing));
            InputStatistics[] inputs = [];
            double measuring = MeasuringBenchmark.Cpu(() => inputs = [.. InputMeasurement.Measure(graph, layers, calibration, preprocessing, Threads, MemoryBytes)]);
            double rounding = MeasuringBenchmark.Cpu(() => CandidateMaker.Make(graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)[2, 3, 4, 8])], new FeedbackRounding(), inputs, Threads));
            Console.WriteLine($"| {network.Model}, {calibration.Items.Count} | {forward:0.0} | {measuring:0.0} | {rounding:0.0} | {(measuring + rounding) / forward:0.0} |");
        }
    }

    private static void Forward(Graph graph, ImageSet images, Preprocessing preprocessing)
    {
        using var session = new GraphSession(graph.Model, graph.File);
        var batches = new ImageBatches(images, graph, preprocessing, 16);
        for (int i = 0; i < batches.Count; i++)
        {
            var batch = batches.Load(i);
            using var input = OrtValue.CreateTensorValueFromMemory(batch.Pixels, batch.Shape);
            using var outputs = session.Run(input);
        }
    }

    /// <summary>A network and how it is run.</summary>
    private sealed record Network(string Model, string Data, string Preprocess, int[] Widths)
    {
        public (Graph Graph, IReadOnlyList<QuantizableLayer> Layers, ImageSet Calibration, Preprocessing Preprocessing) Open()
        {
            var graph = Graph.Read(SharedInstances.Locate($"models/{Model}.onnx"));
            return (graph, LayerFinder.Find(graph).Layers, ImageFolder.Open(SharedInstances.Locate($"data/{Data}/calibration")).Limit(CalibrationImages, 0), Preprocessing.Parse(Preprocess));
        }
    }

    private sealed class TemporaryFile : IDisposable
    {
        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
