using System.CommandLine;
using Clado.Cli.Output;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Images;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary>
/// <c>clado demo</c>: the whole job on the sample network and images that come with the program, with the two things side by side that
/// decide below 4 bits: how weights are rounded, and how widths are chosen.
/// </summary>
internal static class DemoCommand
{
    private const string Name = "resnet20", Nearest = "nearest", Feedback = "feedback", Tight = "2.5bit", Tightest = "2.25bit";

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
        var test = Path.Combine(samples, "images", "test");
        PipelineOptions Rounded(string rounding) => new()
        {
            Model = Path.Combine(samples, $"{Name}.onnx"),
            Images = Path.Combine(samples, "images", "calibration"),
            Preprocessing = Preprocessing.Parse(Path.Combine(samples, "preprocessing.json")),
            Rounding = rounding,
            Run = Path.Combine(folder, rounding),
        };
        terminal.Message("1 of 3: weights rounded to nearest, as most tools do");
        var nearest = Sweep(terminal, Rounded(Nearest), test, [Tight], cancellation).Curve;
        terminal.Message("2 of 3: weights rounded with error feedback, as Clado does where nothing is said");
        var (run, feedback) = Sweep(terminal, Rounded(Feedback), test, [Tight, Tightest], cancellation);
        terminal.Message("3 of 3: files");
        var files = new List<Deployment>();
        try
        {
            // Each lies beside its destination until all of them are known to be sound.
            files.AddRange(Write(terminal, run, folder, cancellation));
            var table = Compare(terminal, Rounded(Feedback), test, (nearest, feedback), files, cancellation);
            files.ForEach(file => file.Commit());
            terminal.Show(table);
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }
        Say(terminal, nearest, Nearest);
        Say(terminal, feedback, Feedback);
        terminal.Data($"all of it as a page: clado report --run {Path.Combine(folder, Feedback)}");
        return App.Done;
    }

    private static (MeasuredRun Run, Curve Curve) Sweep(
        Terminal terminal, PipelineOptions options, string test, string[] budgets, CancellationToken cancellation)
    {
        var run = Pipeline.Measure(options, terminal, cancellation);
        return (run, run.Sweep(new SweepOptions { Images = test, Budgets = budgets }, terminal, cancellation).Curve);
    }

    private static IEnumerable<Deployment> Write(Terminal terminal, MeasuredRun run, string folder, CancellationToken cancellation)
    {
        foreach (var (budget, refine) in ((string, bool)[])[(Tight, false), (Tightest, true)])
        {
            yield return run.Deploy(
                run.Allocate(budget, progress: terminal, cancellation: cancellation), Path.Combine(folder, $"{Name}-{budget}.onnx"),
                refine, progress: terminal, cancellation: cancellation);
        }
    }

    /// <summary>Networks and files side by side.</summary>
    private static TextTable Compare(
        Terminal terminal, PipelineOptions options, string test, (Curve Nearest, Curve Feedback) curves, List<Deployment> files,
        CancellationToken cancellation)
    {
        var table = new TextTable(
            ("widths", false), ("weights", false), ("bytes", true), ("top-1", true), ("agreement", true), ("loss", true), ("speed", true),
            ("bits of each layer", false), ("file", false));
        // On one thread: there speed is the kernels', and least disturbed by what else the machine does.
        var times = Evaluator.MeasureLatency([options.Model, .. files.Select(f => f.StagedPath)], threads: 1, cancellation: cancellation);
        var evaluation = new EvaluationOptions { Images = test, Preprocessing = options.Preprocessing, Reference = options.Model };
        string Speed(int file) => Invariant($"{times[0] / times[file]:0.00}×");
        var (nearest, feedback) = curves;
        table.Row(
            "FP32", "float", Invariant($"{nearest.FloatBytes:N0}"), Share(nearest.FloatTop1, nearest.Images), "100 %", "0", "1.00×", "",
            options.Model);
        void Row(Curve curve, CurveMethod method, string budget, string weights, Deployment? file = null, string speed = "")
        {
            var point = curve.Of(method).Single(p => p.Budget == budget);
            var widths = method == CurveMethod.Uniform ? "" : string.Concat(point.Allocation.Values);
            table.Row(
                Called(method, budget), weights, Invariant($"{point.SizeBytes:N0}"), Share(point.Top1, curve.Images),
                Share(point.Agreement, curve.Images), Loss(point.MeasuredLoss, point.MeasuredLossError), speed, widths,
                file?.Model.Path ?? "");
        }

        Row(nearest, CurveMethod.Uniform, "3bit", Nearest);
        Row(nearest, CurveMethod.Diagonal, Tight, Nearest);
        Row(nearest, CurveMethod.Clado, Tight, Nearest);
        Row(feedback, CurveMethod.Uniform, "3bit", Feedback);
        Row(feedback, CurveMethod.Uniform, "2bit", Feedback);
        Row(feedback, CurveMethod.Diagonal, Tight, Feedback);
        Row(feedback, CurveMethod.Clado, Tight, Feedback, files[0], Speed(1));
        Row(feedback, CurveMethod.Clado, Tightest, Feedback);
        var refined = files[1].Evaluate(evaluation, terminal.Stage("evaluating"), cancellation);
        var how = files[1].Model.Refinement is { IsKept: true } ? $"{Feedback}, again" : Feedback;
        table.Row(
            Called(CurveMethod.Clado, Tightest), how, Invariant($"{refined.SizeBytes:N0}"), Share(refined.Top1, refined.Images),
            Share(refined.Agreement, refined.Images), Loss(refined.LossIncrease, refined.LossIncreaseError), Speed(2),
            string.Concat(files[1].Model.Allocation.Chosen.Select(c => c.Bits)), files[1].Model.Path);
        return table;
    }

    /// <summary>What Clado's choices gain, image by image: most of chance is common to two networks.</summary>
    private static void Say(Terminal terminal, Curve curve, string weights)
    {
        foreach (var point in curve.Of(CurveMethod.Clado))
        {
            foreach (var gain in (point.Gains ?? []).Where(own => own.Method == CurveMethod.Diagonal))
            {
                var (loss, top1) = (gain.Loss, gain.Top1!);
                terminal.Data($"{Called(CurveMethod.Clado, point.Budget)}, {weights}, beside layers one by one: "
                    + (loss is { Mean: 0, StandardError: 0 } ? "the same widths"
                        : Invariant($"loses {loss.Mean:0.0000} ± {loss.StandardError:0.0000} less, ")
                            + Invariant($"top-1 {100 * top1.Mean:+0.0;-0.0} ± {100 * top1.StandardError:0.0} points")));
            }
        }
    }

    private static string Called(CurveMethod method, string budget) => method switch
    {
        CurveMethod.Uniform => $"uniform {budget.Replace("bit", " bits", StringComparison.Ordinal)}",
        CurveMethod.Diagonal => $"one by one {budget}",
        _ => $"Clado {budget}",
    };

    /// <summary>A share of images, with its standard error.</summary>
    private static string Share(double? share, int images) => share is { } p
        ? Invariant($"{100 * p:0.0} ± {100 * Math.Sqrt(p * (1 - p) / images):0.0} %") : "–";

    private static string Loss(double? loss, double? error) => Invariant($"{loss:0.0000} ± {error:0.0000}");

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
