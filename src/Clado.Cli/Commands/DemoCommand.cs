using System.CommandLine;
using Clado.Cli.Output;
using Clado.Evaluation;
using Clado.Images;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary><c>clado demo</c>: the whole job on the sample network and images that come with the program.</summary>
internal static class DemoCommand
{
    private const string Name = "resnet20";
    private static readonly int[] UniformBits = [8, 4, 3, 2];
    private static readonly string[] Budgets = ["4bit", "3bit", "2.5bit"];

    public static Command Create(Terminal terminal)
    {
        var folder = new Option<string>("--output", "-o") { Description = "Folder to write", DefaultValueFactory = _ => "clado-demo" };
        var command = new Command("demo", "The whole job on the sample: a ResNet-20 for Fashion-MNIST and images that come with Clado.\n\nExample: clado demo") { folder };
        command.Runs((parsed, cancellation) => Run(terminal, parsed.GetRequiredValue(folder), cancellation));
        return command;
    }

    private static int Run(Terminal terminal, string folder, CancellationToken cancellation)
    {
        Destination.CheckFolder("-o", folder);
        var samples = Path.GetRelativePath(".", Samples());
        var options = new PipelineOptions
        {
            Model = Path.Combine(samples, $"{Name}.onnx"),
            Images = Path.Combine(samples, "images", "calibration"),
            Preprocessing = Preprocessing.Parse(Path.Combine(samples, "preprocessing.json")),
            Run = Path.Combine(folder, "run"),
        };
        var pipeline = Pipeline.Measure(options, terminal, cancellation);
        var rows = new List<(string Name, double Bits, string Path, string Widths)> { ("FP32", 32, options.Model, "") };
        foreach (int bits in UniformBits)
        {
            var uniform = pipeline.Candidates.Items.Where(c => c.Bits == bits).ToArray();
            var path = Path.Combine(folder, $"{Name}-uniform{bits}.onnx");
            pipeline.Export(uniform, path, pipeline.MeasureRanges(uniform, terminal, cancellation), terminal, cancellation);
            rows.Add(($"uniform {bits} bits", bits, path, ""));
        }
        foreach (var budget in Budgets)
        {
            var allocation = pipeline.Allocate(budget, cancellation: cancellation);
            var path = Path.Combine(folder, $"{Name}-{budget}.onnx");
            pipeline.Export(allocation, path, progress: terminal, cancellation: cancellation);
            rows.Add(($"Clado {budget}", allocation.BitsPerWeight, path, string.Concat(allocation.Chosen.Select(c => c.Bits))));
        }

        var table = Terminal.Table(
            ("model", false), ("bits a weight", true), ("bytes", true), ("top-1", true), ("agreement", true), ("speed", true), ("bits of each layer", false), ("file", false));
        var images = ImageFolder.Open(Path.Combine(samples, "images", "test"));
        // On one thread: there speed is the kernels', and least disturbed by what else the machine does.
        double[] times = LatencyMeasurement.Measure([.. rows.Select(r => r.Path)], threads: 1, cancellation: cancellation);
        foreach (var ((name, bits, path, widths), time) in rows.Zip(times))
        {
            var result = Evaluator.Evaluate(
                path, images, options.Preprocessing, options.Model, null, options.Sensitivity.Threads, cancellation: cancellation);
            Views.Row(
                table, name, Invariant($"{bits:0.00}"), Invariant($"{result.SizeBytes:N0}"), Invariant($"{result.Top1 * 100:0.0} %"), Invariant($"{result.Agreement * 100:0.0} %"), Invariant($"{times[0] / time:0.00}×"),
                widths, path);
        }
        terminal.Show(table);
        return App.Done;
    }

    /// <summary>The samples lie beside the program where it was published, and above it in a clone.</summary>
    private static string Samples()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var samples = Path.Combine(folder, "samples");
            if (File.Exists(Path.Combine(samples, $"{Name}.onnx")))
            {
                return samples;
            }
        }
        throw new CladoException($"samples/{Name}.onnx is neither beside the program ({AppContext.BaseDirectory}) nor above it; "
            + "run the demo from a clone of the repository or install Clado again");
    }
}
