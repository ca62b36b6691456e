using System.Globalization;
using Clado.Activations;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Tests.Support;
using static System.FormattableString;

namespace Clado.Benchmarks;

/// <summary>How far sound files are from what is allowed, and which broken ones are refused.</summary>
internal static class ParityBenchmark
{
    private static readonly (string Model, string Preprocess, string Images)[] Networks =
    [
        ("models/resnet20_cifar10.onnx", "imagenet", "data/cifar10/calibration"),
        ("models/mlperf_resnet8_cifar10.onnx", "raw255", "data/cifar10/calibration"),
        ("models/vit_cifar10.onnx", "cifar10", "data/cifar10/calibration"),
        ("models/mcunet_imagenet.onnx", """{"resize":201,"scale":0.00392156862745098,"mean":[0.5],"std":[0.5]}""",
            "data/imagenet-sample/calibration"),
        ("models/mobilenetv2_imagenet.onnx", "tf", "data/imagenet-sample/calibration"),
        ("models/face_detection.onnx", """{"scale":0.0078125,"mean":[0.9921875],"std":[1]}""", "data/photos"),
        ("models/ocr_detection.onnx", "imagenet", "data/photos"),
        ("samples/resnet20.onnx", "samples/preprocessing.json", "samples/images/calibration"),
        ("samples/vit.onnx", "samples/preprocessing.json", "samples/images/calibration"),
    ];

    /// <summary>Runs on the networks named, or all.</summary>
    /// <param name="parts">
    /// <c>shared</c> alone for what a shared weight costs; or parts of names, <c>broken</c> for broken files, too, and a number of images.
    /// Shape: [parts].
    /// </param>
    public static int Run(string[] parts)
    {
        if (parts is ["shared"])
        {
            return Shared();
        }
        int limit = parts.Select(p => int.TryParse(p, out int n) ? n : 0).FirstOrDefault(n => n > 0, 64);
        string[] names = [.. parts.Where(p => p != "broken" && !int.TryParse(p, out _))];
        Console.WriteLine(
            "| network | opset | weights | activations | images | output | largest | allowed | share | root mean square | allowed | share "
                + "|\n|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var (model, preprocess, folder) in Networks.Where(
            n => names.Length == 0 || names.Any(name => n.Model.Contains(name, StringComparison.Ordinal))))
        {
            string Locate(string name) => name.StartsWith("samples", StringComparison.Ordinal) ? name : SharedInstances.Locate(name);
            var preprocessing = preprocess.StartsWith('{') ? Preprocessing.FromJson(preprocess, model) : Preprocessing.Parse(preprocess);
            var images = ImageFolder.Open(Locate(folder))
                .Limit(model.Contains("imagenet", StringComparison.Ordinal) || folder == "data/photos" ? limit / 4 : limit, 0);
            foreach (int opset in (int[])[25, 21])
            {
                var graph = Graph.Read(Locate(model), opset: opset);
                var layers = LayerFinder.Find(graph).Layers;
                var candidates = CandidateMaker.Make(
                    graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)[2, 3, 4, 6, 8])], new NearestRounding(), null,
                    Environment.ProcessorCount);
                var plan = ActivationPlan.Of(graph, layers);
                var scales = Readout.Of(graph).IsClassifier ? null : ScaleMeasurement.Measure(graph,
                    new Workload(images, preprocessing) { Resources = new() { Threads = Environment.ProcessorCount } });
                var random = new Random(1);
                foreach (int bits in opset == 25 ? (int[])[2, 3, 4, 8, 0] : [4, 0])
                {
                    Candidate[] chosen = bits > 0 ? [.. candidates.Uniform(bits)]
                        : [.. candidates.Items.GroupBy(c => c.Layer.Index).Select(own => own.ElementAt(random.Next(own.Count())))];
                    foreach (bool integers in (bool[])[true, false])
                    {
                        var activations = !integers ? null : new QuantizedActivations(plan, RangeMeasurement.Measure(
                            FakeQuantizedGraph.Of(graph, chosen), plan, RangeMethod.LeastSquares, new Workload(images, preprocessing)));
                        var written = ModelWriter.Build(graph, chosen, activations);
                        ParityResult Check(ModelProto file) => ParityCheck.Run(
                            graph, new(file, "m.onnx", chosen, activations), scales, ParityInputs.Of(graph,
                                new Workload(images, preprocessing)));

                        foreach (var o in Check(written).Outputs)
                        {
                            var w = o.Worst;
                            var part = o.Parts.Count > 1 ? Invariant($", part {w.Part} of {o.Layout}") : "";
                            Console.WriteLine(string.Create(
                                CultureInfo.InvariantCulture,
                                $"| {Path.GetFileNameWithoutExtension(model)} | {opset} | {(bits == 0 ? "mixed" : bits)} | "
                                + $"{(integers ? "8" : "float")} | {images.Items.Count} | {o.Name}{part} "
                                + $"| {w.Largest:G3} | {w.AllowedLargest:G3} | {w.Largest / w.AllowedLargest:0.00} "
                                + $"| {w.RootMeanSquare:G3} | {w.AllowedRootMeanSquare:G3} "
                                + $"| {w.RootMeanSquare / w.AllowedRootMeanSquare:0.00} |"));
                        }
                        if (parts.Contains("broken") && opset == 25 && bits == 8)
                        {
                            Broken(written, layers.Count, plan, Check);
                        }
                    }
                }
            }
        }
        return 0;
    }

    /// <summary>
    /// What two uses of a matrix on different axes cost: the relative squared error of weights with scales of their own at b bits each, and
    /// with one scale at 2 · b bits.
    /// </summary>
    private static int Shared()
    {
        Console.WriteLine(
            "| network | layer | 2 + 2 bits | one scale, 4 bits | 3 + 3 bits | one scale, 6 bits | 4 + 4 bits | one scale, 8 bits "
                + "|\n|---|---|---|---|---|---|---|---|");
        foreach (var model in (string[])["models/vit_cifar10.onnx", "models/resnet20_cifar10.onnx", "samples/vit.onnx"])
        {
            var graph = Graph.Read(model.StartsWith("samples", StringComparison.Ordinal) ? model : SharedInstances.Locate(model));
            foreach (var layer in LayerFinder.Find(graph).Layers.Where(l => l.Shape.Count == 2))
            {
                var weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
                double energy = weights.Sum(w => (double)w * w);
                string Error(QuantizableLayer of, int bits)
                {
                    var rounded = new NearestRounding().Round(of, weights, [bits], null, 2)[0];
                    var candidate = new Candidate
                    {
                        Layer = of,
                        Bits = bits,
                        Codes = rounded.Codes,
                        Scales = rounded.Scales,
                        SizeBytes = 0,
                        SquaredError = 0,
                    };
                    return Invariant(
                        $"{candidate.Dequantize().Zip(weights, (a, b) => (double)(a - b) * (a - b)).Sum() / energy:0.00000}");
                }

                // A transposed convolution of one channel: a scale for all, and no integer kernel whose pairs count.
                var whole = layer with { Op = "ConvTranspose", Shape = [1, layer.Parameters], ChannelAxis = 0 };
                Console.WriteLine(
                    $"| {Path.GetFileNameWithoutExtension(model)} | {layer.Name} | "
                        + $"{string.Join(" | ", new[] { 2, 3, 4 }.Select(b => $"{Error(layer, b)} | {Error(whole, 2 * b)}"))} |");
            }
        }
        return 0;
    }

    private static void Broken(ModelProto written, int layers, ActivationPlan plan, Func<ModelProto, ParityResult> check)
    {
        foreach (var name in Corruption.All.Keys)
        {
            int[] all = name.Contains("activation", StringComparison.Ordinal) ? [.. Enumerable.Range(0, plan.Ranges.Count)]
                : name.Contains("bias", StringComparison.Ordinal) ? [.. plan.Nodes.Where(n => n.Bias is not null).Select(n => n.Node)]
                : [.. Enumerable.Range(0, layers)];
            int[] some = all.Length <= 4 ? all : [all[0], all[all.Length / 3], all[2 * all.Length / 3], all[^1]];
            var excesses = some.Select(index => Corruption.Of(written, name, index)).OfType<ModelProto>()
                .Select(file => check(file).Outputs.Max(o => o.Worst.Excess)).ToArray();
            if (excesses.Length > 0)
            {
                var times = string.Join(", ", excesses.Select(e => Invariant($"{e:0.00}")));
                Console.WriteLine(
                    $"  - {name}: {excesses.Count(e => !(e <= 1))} of {excesses.Length} refused; {times} times what is allowed");
            }
        }
    }
}
