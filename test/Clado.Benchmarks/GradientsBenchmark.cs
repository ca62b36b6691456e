using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using static System.FormattableString;

namespace Clado.Benchmarks;

/// <summary>Gradients of networks: whether they are right, and what they cost in forward passes.</summary>
internal static class GradientsBenchmark
{
    private const int Images = 2;

    /// <summary>
    /// <c>rules FILE …</c>: the derivative along a random direction of all weights. <c>cost [IMAGES] FILE …</c>: times of forward and
    /// backward passes, of random ResNet-18 and -50, too.
    /// </summary>
    public static int Run(string[] arguments)
    {
        if (arguments is ["rules", .. var files])
        {
            Rules(files);
            return 0;
        }
        if (arguments is ["cost", var images, .. var networks])
        {
            Costs(int.Parse(images, System.Globalization.CultureInfo.InvariantCulture), networks);
            return 0;
        }
        return 2;
    }

    private static void Rules(string[] files)
    {
        Console.WriteLine("| network | operators | weight tensors, elements | by gradients | by differences | error of the scale |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var file in files)
        {
            var name = Path.GetFileNameWithoutExtension(file);
            try
            {
                var graph = Graph.Read(file);
                var found = DirectionalDerivative.Of(graph, Images);
                int operators = graph.Nodes.Select(GradientRules.NameOf).Distinct().Count();
                Console.WriteLine(Invariant($"| {name} | {operators} | {found.Weights}, {found.Elements:N0} | {found.Gradient:g5} ")
                    + Invariant($"| {found.Difference:g5} | {found.Error:0.0000} |"));
            }
            catch (CladoException e)
            {
                Console.WriteLine($"| {name} | {e.Message} ||||| |");
            }
        }
    }

    private static void Costs(int images, string[] files)
    {
        Console.WriteLine("| network | forward, s | with gradients of all layers' outputs | of all weights | of all weights, an image |");
        Console.WriteLine("|---|---|---|---|---|");
        var folder = Directory.CreateTempSubdirectory("clado-gradients").FullName;
        RandomResNet.WriteResNet18(Path.Combine(folder, "resnet18.onnx"));
        RandomResNet.Write(folder, 0);
        foreach (var file in files.Append(Path.Combine(folder, "resnet18.onnx")).Append(Path.Combine(folder, "resnet50.onnx")))
        {
            var graph = Graph.Read(file);
            var layers = LayerFinder.Find(graph).Layers;
            string[] outputs = [.. Readout.Of(graph).Outputs];
            string[] made = [.. layers.SelectMany(layer => layer.Nodes).Select(node => graph.Nodes[node].Output[0])];
            string[] weights = [.. layers.Select(layer => layer.Weight)];
            Seed[] seeds = [.. outputs.Select(o => new Seed.Given(o, $"seed of {o}"))];
            double forward = Seconds(graph, images, GraphPart.Extract(graph, Inputs(graph), outputs), outputs);
            double Cost(GradientRequest request) => Seconds(graph, images, GradientGraph.Of(graph, request).Model, outputs);
            double byOutputs = Cost(new([seeds], made)), byWeights = Cost(new([seeds], weights));
            double byImage = Cost(new([seeds], weights) { PerImage = weights.ToHashSet() });
            double again = Seconds(graph, images, GraphPart.Extract(graph, Inputs(graph), outputs), outputs);
            double pass = Math.Min(forward, again);
            Console.WriteLine(Invariant($"| {Path.GetFileNameWithoutExtension(file)} | {pass:0.000} | {byOutputs / pass:0.00} ")
                + Invariant($"| {byWeights / pass:0.00} | {byImage / pass:0.00} |"));
        }
        Directory.Delete(folder, recursive: true);
    }

    private static HashSet<string> Inputs(Graph graph) => [.. graph.Model.Graph.Input.Select(input => input.Name)];

    /// <summary>Processor seconds of a run: the least of several.</summary>
    private static double Seconds(Graph graph, int images, ModelProto model, string[] outputs)
    {
        const int Runs = 5;
        int batch = graph.HasFreeBatch ? images : 1;
        long[] shape = graph.InputShape.Of(batch);
        using var inputs = graph.Inputs.Feed(RandomPixels.Of(graph.Inputs, shape, 1), shape);
        foreach (var output in outputs)
        {
            var info = graph.Tensors[output];
            long[] dims = [.. info.Shape.Zip(info.Batched, (dim, batched) => batched ? dim * batch : dim)];
            var seed = new float[dims.Aggregate(1L, (a, b) => a * b)];
            Array.Fill(seed, 1e-3f);
            inputs.Add($"seed of {output}", OrtValue.CreateTensorValueFromMemory(seed, dims));
        }
        using var session = new GraphSession(model, graph.File);
        double best = double.MaxValue;
        for (int run = 0; run <= Runs; run++)
        {
            var begin = Environment.CpuUsage.TotalTime;
            using var results = session.Run(inputs);
            double seconds = (Environment.CpuUsage.TotalTime - begin).TotalSeconds;
            // The first makes room.
            best = run == 0 ? best : Math.Min(best, seconds);
        }
        return best;
    }
}
