using System.CommandLine;
using Clado.Cli.Demo;
using Clado.Cli.Output;
using Clado.Evaluation;
using Clado.Export;
using Clado.Images;
using Clado.Onnx;

namespace Clado.Cli.Commands;

/// <summary><c>clado demo</c>: the whole job on a network and images that the program makes itself.</summary>
internal static class DemoCommand
{
    private const int Seed = 1;
    private static readonly int[] UniformBits = [8, 4, 3, 2];
    private static readonly string[] Budgets = ["4bit", "3bit", "2.5bit"];

    public static Command Create(Terminal terminal)
    {
        var folder = new Option<string>("--output", "-o") { Description = "Folder to write", DefaultValueFactory = _ => "clado-demo" };
        var command = new Command("demo", "The whole job on a small network and images that the program makes itself.\n\nExample: clado demo") { folder };
        command.Runs((parsed, cancellation) => Run(terminal, parsed.GetRequiredValue(folder), cancellation));
        return command;
    }

    private static int Run(Terminal terminal, string folder, CancellationToken cancellation)
    {
        var (fit, calibration, test) = (Path.Combine(folder, "fit"), Path.Combine(folder, "calibration"), Path.Combine(folder, "test"));
        terminal.Message($"making images and fitting a small network in {folder}");
        PatternImages.Write(fit, 80, Seed);
        PatternImages.Write(calibration, 32, Seed + 1);
        PatternImages.Write(test, 125, Seed + 2);
        var preprocessing = Preprocessing.Parse("imagenet");
        var model = Path.Combine(folder, "stripes.onnx");
        OnnxFile.Write(RandomFeatureNetwork.Fit(fit, preprocessing, Seed), model);

        var options = new PipelineOptions { Model = model, Images = calibration, Preprocessing = preprocessing, Run = Path.Combine(folder, "run") };
        var pipeline = Pipeline.Measure(options, terminal, cancellation);
        var rows = new List<(string Name, double Bits, string Path)> { ("FP32", 32, model) };
        foreach (int bits in UniformBits)
        {
            var uniform = pipeline.Candidates.Items.Where(c => c.Bits == bits).ToArray();
            var path = Path.Combine(folder, $"stripes-uniform{bits}.onnx");
            OnnxFile.Write(ModelWriter.Build(pipeline.Graph, uniform), path);
            rows.Add(($"uniform {bits} bits", bits, path));
        }
        foreach (var budget in Budgets)
        {
            var allocation = pipeline.Allocate(budget, cancellation: cancellation);
            var path = Path.Combine(folder, $"stripes-{budget}.onnx");
            pipeline.Export(allocation, path);
            rows.Add(($"Clado {budget}: {string.Join(' ', allocation.Chosen.Select(c => c.Bits))}", allocation.BitsPerWeight, path));
        }

        var table = Terminal.Table(("model", false), ("bits a weight", true), ("bytes", true), ("top-1", true), ("agreement", true), ("file", false));
        var images = ImageFolder.Open(test);
        foreach (var (name, bits, path) in rows)
        {
            var result = Evaluator.Evaluate(path, images, preprocessing, model, null, options.Sensitivity.Threads, cancellation: cancellation);
            Views.Row(table, name, $"{bits:0.00}", $"{result.SizeBytes:N0}", $"{result.Top1 * 100:0.0} %", $"{result.Agreement * 100:0.0} %", path);
        }
        terminal.Show(table);
        return App.Done;
    }
}
