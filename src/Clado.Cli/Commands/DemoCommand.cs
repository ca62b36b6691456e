using System.CommandLine;
using Clado.Allocation;
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

    public static Verb Create(Terminal terminal)
    {
        var folder = new Option<string>("--output", "-o") { Description = "Folder to write", DefaultValueFactory = _ => "clado-demo" };
        var command = new Verb(
            "demo",
            "The whole job on the sample: a ResNet-20 for Fashion-MNIST and images that come with Clado.\n\nExample: clado demo");
        command.Add(OptionGroup.Output, folder);
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
        var test = Path.Combine(samples, "images", "test");
        var prepared = PreparedRun.Of(options);
        string[] names = ["FP32", .. UniformBits.Select(Uniform), .. Budgets.Select(Chosen)];
        int images = Directory.EnumerateFiles(test, "*.png", SearchOption.AllDirectories).Count();
        var job = prepared.SeveralFiles(
            terminal, UniformBits.Length, Budgets.Length, names.Select(name => (Evaluating(name), images)));
        var run = prepared.Measure(job, cancellation);
        var files = new List<DemoFile>();
        try
        {
            // Each lies beside its destination until all of them are known to be sound.
            files.AddRange(Deploy(job, run, folder, cancellation));
            var table = Compare(job, options, test, files, cancellation);
            files.ForEach(file => file.Deployment.Commit());
            terminal.Show(table);
            return App.Done;
        }
        finally
        {
            files.ForEach(file => file.Deployment.Dispose());
        }
    }

    /// <summary>The files and the float model side by side.</summary>
    private static TextTable Compare(
        IProgress<StageProgress> job, PipelineOptions options, string test, IReadOnlyList<DemoFile> files,
        CancellationToken cancellation)
    {
        var table = new TextTable(
            ("model", false), ("bits a weight", true), ("bytes", true), ("top-1", true), ("agreement", true), ("speed", true),
            ("bits of each layer", false), ("file", false));
        var evaluation = new EvaluationOptions { Images = test, Preprocessing = options.Preprocessing, Reference = options.Model };
        // On one thread: there speed is the kernels', and least disturbed by what else the machine does.
        string[] paths = [options.Model, .. files.Select(f => f.Deployment.StagedPath)];
        var times = Evaluator.MeasureLatency(paths, threads: 1, cancellation: cancellation);
        IProgress<double> Share(string name) => StageProgress.Of(job, Evaluating(name));
        Row(table, "FP32", 32, Evaluator.Evaluate(options.Model, evaluation, Share("FP32"), cancellation), 1, "", options.Model);
        foreach (var (file, time) in files.Zip(times.Skip(1)))
        {
            var result = file.Deployment.Evaluate(evaluation, Share(file.Name), cancellation);
            Row(table, file.Name, file.Bits, result, times[0] / time, file.Widths, file.Deployment.Model.Path);
        }
        return table;
    }

    private static void Row(
        TextTable table, string name, double bits, EvaluationResult result, double speed, string widths, string path) => table.Row(
            name, Invariant($"{bits:0.00}"), Invariant($"{result.SizeBytes:N0}"), Invariant($"{result.Top1 * 100:0.0} %"),
            Invariant($"{result.Agreement * 100:0.0} %"), Invariant($"{speed:0.00}×"), widths, path);

    private static IEnumerable<DemoFile> Deploy(
        IProgress<StageProgress> job, MeasuredRun run, string folder, CancellationToken cancellation)
    {
        Deployment Write(string name, AllocationResult choice) => run.Deploy(
            choice, Path.Combine(folder, $"{Name}-{name}.onnx"), progress: job, cancellation: cancellation);

        foreach (int bits in UniformBits)
        {
            yield return new DemoFile(Uniform(bits), bits, "", Write($"uniform{bits}", run.Uniform(bits)));
        }
        foreach (var budget in Budgets)
        {
            var choice = run.Allocate(budget, progress: job, cancellation: cancellation);
            yield return new DemoFile(
                Chosen(budget), choice.BitsPerWeight, string.Concat(choice.Chosen.Select(c => c.Bits)), Write(budget, choice));
        }
    }

    private static string Uniform(int bits) => Invariant($"uniform {bits} bits");

    private static string Chosen(string budget) => $"Clado {budget}";

    private static string Evaluating(string name) => $"evaluating {name}";

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
    private sealed record DemoFile(string Name, double Bits, string Widths, Deployment Deployment);
}
