using System.Diagnostics;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Benchmarks;

internal static class RoundingBenchmark
{
    public static int Run(string[] parts)
    {
        var graph = Graph.Read(SharedInstances.Locate("models/resnet20_cifar10.onnx"));
        var layers = LayerFinder.Find(graph).Layers;
        int[] widths = [.. parts[1].Split(',').Select(int.Parse)];
        var pre = Preprocessing.Parse("imagenet");
        var calib = ImageFolder.Open(SharedInstances.Locate("data/cifar10/calibration")).Limit(512, 0);
        var test = ImageFolder.Open(SharedInstances.Locate(parts.Length > 2 ? parts[2] : "data/cifar10/test"));
        IRounding rounding = parts[0] switch { "nearest" => new NearestRounding(), "gpfq" => new GpfqRounding(), _ => new FeedbackRounding() };
        var watch = Stopwatch.StartNew();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var stats = InputMeasurement.Measure(graph, layers, calib, pre, 2, 1L << 32).ToArray();
        var t1 = Process.GetCurrentProcess().TotalProcessorTime;
        Console.WriteLine($"inputs {(t1 - cpu).TotalSeconds:0.00} cpu s");
        var set = CandidateMaker.Make(graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)widths)], rounding, stats, 2);
        Console.WriteLine($"rounding {(Process.GetCurrentProcess().TotalProcessorTime - t1).TotalSeconds:0.00} cpu s");
        if (parts.Contains("turn"))
        {
            t1 = Process.GetCurrentProcess().TotalProcessorTime;
            var all = widths.SelectMany(b => CandidateMaker.MakeInTurn(graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)[b])], rounding, calib, pre, 2, 1L << 32).Items).ToArray();
            set = new CandidateSet(layers, all);
            Console.WriteLine($"in turn {(Process.GetCurrentProcess().TotalProcessorTime - t1).TotalSeconds:0.00} cpu s");
        }
        var folder = Directory.CreateTempSubdirectory("round");
        foreach (int bits in widths)
        {
            var path = Path.Combine(folder.FullName, $"u{bits}.onnx");
            OnnxFile.Write(ModelWriter.Build(graph, [.. set.Items.Where(c => c.Bits == bits)]), path);
            var r = Evaluator.Evaluate(path, test, pre, parts.Contains("kl") ? graph.File : null, parts.Contains("kl") ? "kl" : null, 2);
            Console.WriteLine($"{parts[0]} {bits}: {r.Top1 * 100:0.00} % {r.Agreement} {r.LossIncrease} {string.Join(" ", set.Items.Where(c => c.Bits == bits).Take(3).Select(c => c.SquaredError))}");
        }
        folder.Delete(true);
        return 0;
    }
}
