using Clado.Activations;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Rounding;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>What written files are worth where they run: time, accuracy, parity with the simulation, and budgets met to the byte.</summary>
internal static class DeployingBenchmark
{
    private const int CalibrationImages = 256;
    private const long Memory = 4L << 30;

    private static readonly Network[] Networks =
    [
        new("resnet20_cifar10", "imagenet", "cifar10/calibration", "cifar10/test"),
        new("mlperf_resnet8_cifar10", "raw255", "cifar10/calibration", "cifar10/test"),
        new("vit_cifar10", "cifar10", "cifar10/calibration", "cifar10/test"),
        new(
            "mcunet_imagenet", """{"resize":201,"scale":0.00392156862745098,"mean":[0.5],"std":[0.5]}""", "imagenet-sample/calibration",
            "imagenet-sample/test"),
        new("mobilenetv2_imagenet", "tf", "imagenet-sample/calibration", "imagenet-sample/test"),
    ];

    /// <summary>Runs the parts named, on the models named where there are any. Shape: [parts].</summary>
    public static int Run(string[] parts)
    {
        bool Wanted(string part) => !parts.Intersect(["speed", "accuracy", "parity", "budgets", "measuring"]).Any() || parts.Contains(part);
        var networks = Networks.Where(n => !parts.Any(p => p.Contains('_')) || parts.Contains(n.Model)).ToArray();
        var folder = Directory.CreateTempSubdirectory("clado-deploying-").FullName;
        if (Wanted("speed"))
        {
            Speed(folder, networks);
        }
        if (Wanted("accuracy"))
        {
            Accuracy(folder, networks);
        }
        if (Wanted("parity"))
        {
            Parity(folder, networks);
        }
        if (Wanted("budgets"))
        {
            Budgets(folder, networks);
        }
        if (Wanted("measuring"))
        {
            ActivationsBenchmark.Run(
                networks.Where(n => n.TestImages.StartsWith("cifar", StringComparison.Ordinal))
                    .Select(n => (n.Path, n.Model, n.Preprocessing)), parts);
        }
        Directory.Delete(folder, recursive: true);
        return 0;
    }

    private static void Speed(string folder, Network[] networks)
    {
        RandomResNet.WriteResNet18(Path.Combine(folder, "resnet18.onnx"));
        Console.WriteLine(
            "\n## Speed: times as fast as FP32, medians of runs in turn\n\n| network | threads | images a run | W8A8 | W7A8 | 3 bits | 4.0 "
                + "bits mixed | 2.5 bits mixed |\n|---|---|---|---|---|---|---|---|");
        foreach (var (name, path, images, preprocessing) in networks.Where(n => n.Model != "mlperf_resnet8_cifar10")
            .Select(n => (n.Model, n.Path, n.Calibration(16), n.Preprocessing))
            .Append(
                ("resnet18 (random)", Path.Combine(folder, "resnet18.onnx"), Networks[3].Calibration(16), Preprocessing.Parse("imagenet"))))
        {
            var graph = Graph.Read(path);
            var candidates = Round(graph, new NearestRounding(), null, 2, 3, 4, 7, 8);
            var files = new List<string> { path };
            foreach (var (file, chosen) in new (string, IReadOnlyList<Candidate>)[]
                { ("w8", Uniform(candidates, 8)), ("w7", Uniform(candidates, 7)), ("w3", Uniform(candidates, 3)),
                    ("m4", Mixed(graph, candidates, 4)), ("m2.5", Mixed(graph, candidates, 2.5)) })
            {
                files.Add(Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(path)}-{file}.onnx"));
                Write(graph, chosen, images, preprocessing, files[^1]);
            }
            foreach (var (threads, batch) in ((int, int)[])[(1, 1), (1, 16), (2, 1), (2, 16)])
            {
                double[] times = LatencyMeasurement.Measure(files, threads, batch, runs: 21);
                Console.WriteLine(
                    $"| {name} | {threads} | {(graph.HasFreeBatch ? batch : 1)} | "
                        + $"{string.Join(" | ", times.Skip(1).Select(t => $"{times[0] / t:0.00}"))} |");
            }
        }
    }

    private static void Accuracy(string folder, Network[] networks)
    {
        Console.WriteLine(
            "\n## Accuracy, rounding by feedback\n\n| network | weights | activations | top-1 | agreement with FP32 | loss increase "
                + "|\n|---|---|---|---|---|---|");
        foreach (var network in networks.Where(n => n.Model is "resnet20_cifar10" or "mcunet_imagenet"))
        {
            var graph = Graph.Read(network.Path);
            var layers = LayerFinder.Find(graph).Layers;
            var images = network.Calibration(CalibrationImages);
            var inputs = InputMeasurement.Measure(graph, layers,
                new Workload(images, network.Preprocessing)
                {
                    Resources = new() { Threads = Environment.ProcessorCount, MemoryBytes = Memory },
                });
            var candidates = Round(graph, new FeedbackRounding(), inputs, 2, 3, 4, 8);
            Show(network, network.Path, "32 bits", "32 bits");
            foreach (var (name, chosen) in new (string, IReadOnlyList<Candidate>)[] { ("8 bits", Uniform(candidates, 8)),
                ("3.0 bits mixed", Mixed(graph, candidates, 3)) })
            {
                var path = Path.Combine(folder, "accuracy.onnx");
                OnnxFile.Write(ModelWriter.Build(graph, chosen), path);
                Show(network, path, name, "32 bits");
                foreach (var method in Enum.GetValues<RangeMethod>())
                {
                    Write(graph, chosen, images, network.Preprocessing, path, method);
                    Show(network, path, name, $"8 bits, {method}");
                }
            }
        }
    }

    private static void Show(Network network, string path, string weights, string activations)
    {
        var test = ImageFolder.Open(SharedInstances.Locate($"data/{network.TestImages}"));
        var result = Evaluator.Evaluate(new(path), new(network.Path), new(), new Workload(test, network.Preprocessing));
        Console.WriteLine($"| {network.Model} | {weights} | {activations} | {result.Top1 * 100:0.00} % | {result.Agreement * 100:0.00} % | "
            + $"{result.LossIncrease:0.0000} |");
    }

    private static void Parity(string folder, Network[] networks)
    {
        Console.WriteLine(
            "\n## Parity: the written file against the simulation of its bits\n\n| network | bits | images | top-1 agrees | largest "
                + "difference | mean difference |\n|---|---|---|---|---|---|");
        foreach (var network in networks)
        {
            var graph = Graph.Read(network.Path);
            var candidates = Round(graph, new NearestRounding(), null, 4, 7, 8);
            foreach (int bits in (int[])[4, 7, 8])
            {
                var path = Path.Combine(folder, "parity.onnx");
                var chosen = Uniform(candidates, bits);
                var activations = Write(graph, chosen, network.Calibration(64), network.Preprocessing, path);
                int limit = network.TestImages.StartsWith("cifar", StringComparison.Ordinal) ? 1000 : 200;
                var test = ImageFolder.Open(SharedInstances.Locate($"data/{network.TestImages}")).Limit(limit, 0);
                var parity = ParityCheck.Run(
                    graph, new(OnnxFile.Read(path), path, chosen, activations), null, ParityInputs.Of(graph,
                        new Workload(test, network.Preprocessing)));
                Console.WriteLine($"| {network.Model} | {bits} | {parity.Images} | {parity.Agreement * 100:0.0} % | "
                    + $"{parity.LargestDifference:0.0000} | {parity.MeanDifference:0.0000} |");
            }
        }
    }

    private static void Budgets(string folder, Network[] networks)
    {
        Console.WriteLine(
            "\n## Budgets: 20 each, activations of 8 bits\n\n| network | files within budget | sizes as predicted | no wider choice of a "
                + "layer fits or helps | bytes left, mean |\n|---|---|---|---|---|");
        foreach (var network in networks.Where(n => n.Model is "resnet20_cifar10" or "vit_cifar10"))
        {
            var graph = Graph.Read(network.Path);
            var candidates = Round(graph, new NearestRounding(), null, 2, 3, 4, 8);
            var surrogate = Surrogate(candidates);
            var sizes = new FileSize(graph, candidates.Layers, ActivationFormat.Int8);
            var plan = ActivationPlan.Of(graph, candidates.Layers);
            var activations = new QuantizedActivations(plan, ActivationRanges.Unmeasured(plan));
            var free = BitAllocation.Allocate(surrogate, candidates, sizes, Budget.Parse("none", 0), new AutomaticAllocator());
            int within = 0, exact = 0, tight = 0;
            long left = 0;
            for (int i = 0; i < 20; i++)
            {
                long budget = free.SmallestBytes + ((free.SizeBytes - free.SmallestBytes) * i / 19);
                var result = BitAllocation.Allocate(surrogate, candidates, sizes, Budget.Parse($"{budget}", 0), new AutomaticAllocator());
                long written = OnnxFile.Write(ModelWriter.Build(graph, result.Chosen, activations), Path.Combine(folder, "budget.onnx"));
                within += new FileInfo(Path.Combine(folder, "budget.onnx")).Length <= budget ? 1 : 0;
                exact += written == result.SizeBytes ? 1 : 0;
                tight += candidates.Items.All(wider => Breaks(wider, result, candidates, sizes, budget)) ? 1 : 0;
                left += budget - written;
            }
            Console.WriteLine($"| {network.Model} | {within} of 20 | {exact} of 20 | {tight} of 20 | {left / 20:N0} |");
        }
    }

    /// <summary>Whether a candidate is no wider than the chosen one of its layer, or breaks the budget, or loses no less.</summary>
    private static bool Breaks(Candidate wider, AllocationResult result, CandidateSet candidates, FileSize sizes, long budget)
    {
        var own = result.Chosen.First(c => c.Layer == wider.Layer);
        var changed = result.Chosen.Select(c => c == own ? wider : c).ToArray();
        return wider.Bits <= own.Bits || wider.SquaredError >= own.SquaredError
            || sizes.Predict(changed.Sum(c => c.SizeBytes), changed.Select(c => c.Bits)) > budget;
    }

    private static QuantizedActivations Write(
        Graph graph, IReadOnlyList<Candidate> chosen, ImageSet images, Preprocessing preprocessing, string path,
        RangeMethod method = RangeMethod.LeastSquares)
    {
        var plan = ActivationPlan.Of(graph, [.. chosen.Select(c => c.Layer)]);
        var activations = new QuantizedActivations(
            plan, RangeMeasurement.Measure(FakeQuantizedGraph.Of(graph, chosen), plan, method,
                new Workload(images, preprocessing) { Resources = new() { Threads = Environment.ProcessorCount } }));
        OnnxFile.Write(ModelWriter.Build(graph, chosen, activations), path);
        return activations;
    }

    private static CandidateSet Round(Graph graph, IRounding rounding, IEnumerable<InputStatistics>? inputs, params int[] bits)
    {
        var layers = LayerFinder.Find(graph).Layers;
        return CandidateMaker.Make(
            graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)bits)], rounding, inputs, Environment.ProcessorCount);
    }

    private static IReadOnlyList<Candidate> Uniform(CandidateSet candidates, int bits) => [.. candidates.Items.Where(c => c.Bits == bits)];

    /// <summary>Mixed widths without measuring: those of least weight error, relative to the layer's weights.</summary>
    private static IReadOnlyList<Candidate> Mixed(Graph graph, CandidateSet candidates, double bits) => BitAllocation.Allocate(
        Surrogate(candidates), candidates, new FileSize(graph, candidates.Layers), Budget.Parse(
            FormattableString.Invariant($"{bits}bit"), 0), new AutomaticAllocator()).Chosen;

    private static Surrogate Surrogate(CandidateSet candidates)
    {
        int n = candidates.Items.Count;
        var matrix = new double[n * n];
        foreach (var (candidate, row) in candidates.Items.Select((c, row) => (c, row)))
        {
            var weights = candidate.Dequantize();
            matrix[row * (n + 1)] = candidate.SquaredError / weights.Sum(w => (double)w * w);
        }
        return new Surrogate { Name = "weight error", Matrix = matrix };
    }

    private sealed record Network(string Model, string Preprocess, string CalibrationFolder, string TestImages)
    {
        public string Path => SharedInstances.Locate($"models/{Model}.onnx");

        public Preprocessing Preprocessing =>
            Preprocess.StartsWith('{') ? Preprocessing.FromJson(Preprocess, Model) : Preprocessing.Parse(Preprocess);

        public ImageSet Calibration(int limit) => ImageFolder.Open(SharedInstances.Locate($"data/{CalibrationFolder}")).Limit(limit, 0);
    }
}
