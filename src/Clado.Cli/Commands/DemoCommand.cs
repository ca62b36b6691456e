using System.CommandLine;
using Clado.Candidates;
using Clado.Cli.Output;
using Clado.Evaluation;
using Clado.Execution;
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
        using var files = new OwnedList<DemoFile>(Stage(terminal, pipeline, folder, cancellation));
        var table = Terminal.Table(
            ("model", false), ("bits a weight", true), ("bytes", true), ("top-1", true), ("agreement", true), ("speed", true), ("bits of each layer", false), ("file", false));
        var work = new Workload(ImageFolder.Open(Path.Combine(samples, "images", "test")), options.Preprocessing)
        {
            Resources = options.Resources,
            Cancellation = cancellation,
        };
        // On one thread: there speed is the kernels', and least disturbed by what else the machine does.
        double[] times = LatencyMeasurement.Measure([options.Model, .. files.Select(f => f.Model.Path)], threads: 1, cancellation: cancellation);
        void Row(string name, double bits, string path, string? destination, double time, string widths)
        {
            var result = Evaluator.Evaluate(
                new EvaluatedFile(path, destination), new ReferenceFile(options.Model), options.Inputs, work);
            Views.Row(
                table, name, Invariant($"{bits:0.00}"), Invariant($"{result.SizeBytes:N0}"), Invariant($"{result.Top1 * 100:0.0} %"), Invariant($"{result.Agreement * 100:0.0} %"), Invariant($"{times[0] / time:0.00}×"),
                widths, destination ?? path);
        }

        Row("FP32", 32, options.Model, null, times[0], "");
        foreach (var (file, time) in files.Zip(times.Skip(1)))
        {
            Row(file.Name, file.Bits, file.Model.Path, file.Model.Destination, time, file.Widths);
        }
        foreach (var file in files)
        {
            file.Model.Commit();
        }
        terminal.Show(table);
        return App.Done;
    }

    /// <summary>The files, each beside its destination until all of them are known to be sound.</summary>
    private static IEnumerable<DemoFile> Stage(Terminal terminal, Pipeline pipeline, string folder, CancellationToken cancellation)
    {
        StagedExport Model(string name, IReadOnlyList<Candidate> chosen) => pipeline.Stage(
            chosen, Path.Combine(folder, $"{Name}-{name}.onnx"), pipeline.MeasureRanges(chosen, terminal, cancellation), terminal, cancellation);

        foreach (int bits in UniformBits)
        {
            yield return new DemoFile($"uniform {bits} bits", bits, Model($"uniform{bits}", pipeline.Candidates.Uniform(bits)), "");
        }
        foreach (var budget in Budgets)
        {
            var allocation = pipeline.Allocate(budget, cancellation: cancellation);
            yield return new DemoFile(
                $"Clado {budget}", allocation.BitsPerWeight, Model(budget, allocation.Chosen), string.Concat(allocation.Chosen.Select(c => c.Bits)));
        }
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

    /// <summary>A row of the table.</summary>
    private sealed record DemoFile(string Name, double Bits, StagedExport Model, string Widths) : IDisposable
    {
        public void Dispose() => Model.Dispose();
    }
}
