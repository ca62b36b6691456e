using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Sweeps;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary><c>clado sweep</c>: the size–accuracy curve, or the smallest size on it that keeps an accuracy.</summary>
internal static class SweepCommand
{
    public static Command Create(Terminal terminal)
    {
        var (running, json) = (new RunOptions(), CommonOptions.Json());
        var budgets = new Option<string?>("--budgets")
        {
            Description = "Budgets with commas between, as allocate takes them "
                + "(default: chosen from the smallest file to the largest, denser where the curve bends)",
        };
        var points = new Option<int>("--points")
        {
            Description = "Budgets to choose where none are given",
            DefaultValueFactory = _ => new SweepOptions().PointCount,
        };
        var images = new Option<string?>("--evaluate")
        {
            Description = "Folder of images to evaluate on: images, class folders, or images with a labels.csv (default: those of the run)",
        };
        var (limit, seed, rounds) = (CommonOptions.Limit(), CommonOptions.Seed(), CommonOptions.Rounds());
        var drop = new Option<double?>("--target-drop")
        {
            CustomParser = result => CommonOptions.Number(result),
            Description = "Look for the smallest size that loses at most so many points of top-1, "
                + "or of agreement with FP32 where there are no labels",
        };
        var output = new Option<string?>("--output", "-o") { Description = "CSV file to write" };
        var command = new Command(
            "sweep",
            "The size–accuracy curve from one measurement, uniform widths and the diagonal choice beside it. "
            + "Finished points are kept in the run folder.\n\n"
            + "Example: clado sweep --run runs/resnet20 --evaluate test -o resnet20.csv\n"
            + "Example: clado sweep --run runs/resnet20 --evaluate test --target-drop 1")
        {
            budgets, points, images, limit, seed, drop, rounds, output,
        };
        running.AddTo(command);
        command.Options.Add(json);
        command.Runs((parsed, cancellation) =>
        {
            if (parsed.GetValue(drop) is { } asked && !(asked is >= 0 and <= 100))
            {
                throw new CladoException(
                    $"--target-drop {parsed.GetResult(drop)!.Tokens[0].Value}: points of accuracy from 0 to 100 are wanted");
            }
            if (parsed.GetValue(drop) is not null && parsed.GetValue(budgets) is not null)
            {
                throw new CladoException("--budgets: --target-drop looks for a budget by itself; leave one of them out");
            }
            if (parsed.GetValue(images) is null && (parsed.GetValue(limit) is not null || parsed.GetResult(seed) is { Implicit: false }))
            {
                throw new CladoException(
                    "--limit and --seed choose among the images of --evaluate, which is missing; the run's images are used all of them");
            }
            var run = running.Open(parsed, terminal);
            Destination.CheckFile("-o", parsed.GetValue(output), run.ModelPath);
            Destination.CheckOutsideRun("-o", parsed.GetValue(output), run.RunPath);
            Destination.CheckOutsideImages("-o", parsed.GetValue(output), parsed.GetValue(images) ?? run.ImagesPath);
            var options = new SweepOptions
            {
                Images = parsed.GetValue(images),
                Limit = parsed.GetValue(limit),
                Seed = parsed.GetValue(seed),
                Rounds = parsed.GetValue(rounds),
                PointCount = parsed.GetValue(points),
                Budgets = parsed.GetValue(budgets)?.Split(',', StringSplitOptions.TrimEntries) ?? [],
            };
            int code = App.Done;
            Curve curve;
            if (parsed.GetValue(drop) is { } target)
            {
                (var found, curve) = run.FindSmallest(target, options, terminal, cancellation);
                code = Say(terminal, run, options, target, found, curve);
            }
            else
            {
                (curve, var infeasible) = run.Sweep(options, terminal, cancellation);
                foreach (var result in infeasible)
                {
                    terminal.Message($"clado: {AllocationViews.Infeasible(result, run.WrittenLayers)}");
                    code = App.No;
                }
            }
            if (parsed.GetValue(output) is { } path)
            {
                curve.WriteCsv(path);
                terminal.Message($"written: {path}");
            }
            if (parsed.GetValue(json))
            {
                terminal.Data(curve.ToJson());
            }
            else
            {
                terminal.Show(curve);
            }
            return code;
        });
        return command;
    }

    /// <summary>Says what was found for a drop, in a line, and gives the exit code.</summary>
    private static int Say(Terminal terminal, MeasuredRun run, SweepOptions options, double target, CurvePoint? found, Curve curve)
    {
        var measure = curve.FloatTop1 is null ? "agreement with FP32" : "top-1";
        if (found is null)
        {
            var best = curve.Of(CurveMethod.Clado).MinBy(p => p.Drop(curve.FloatTop1))!;
            terminal.Message(
                Invariant($"clado: --target-drop {target}: no size measured keeps {measure} that close on these {curve.Images:N0} images; ")
                + Invariant($"the least drop is {best.Drop(curve.FloatTop1):0.00} points at {best.SizeBytes:N0} bytes. ")
                + "Allow a larger drop, or wider widths when measuring (--bits)");
            return App.No;
        }
        terminal.Message(
            Invariant($"smallest size found for a drop of at most {target} points: {found.SizeBytes:N0} bytes ")
            + Invariant($"({found.BitsPerWeight:0.00} bits a weight), which lose {found.Drop(curve.FloatTop1):0.00} points of {measure} ")
            + Invariant($"on {curve.Images:N0} images"));
        string rounds = options.Rounds is { } count ? $" --rounds {count}" : "";
        terminal.Message($"write it with: clado export --run {run.RunPath} --budget {found.Budget}{rounds}"
            + $"{WritingOptions.Of(run)} -o OUT.onnx");
        return App.Done;
    }
}
