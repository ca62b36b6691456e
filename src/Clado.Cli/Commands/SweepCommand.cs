using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Curves;
using Clado.Evaluation;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary><c>clado sweep</c>: the size–accuracy curve, or the smallest size on it that keeps an accuracy.</summary>
internal static class SweepCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (sweeping, running, json) = (new SweepingOptions(), new RunOptions(), CommonOptions.Json());
        var output = new Option<string?>("--output", "-o") { Description = "CSV file to write" };
        var command = new Verb(
            "sweep",
            "The size–accuracy curve from one measurement, uniform widths and the diagonal choice beside it. "
            + "Finished points are kept in the run folder.\n\n"
            + "Example: clado sweep --run runs/resnet20 --evaluate test -o resnet20.csv\n"
            + "Example: clado sweep --run runs/resnet20 --evaluate test --target-drop 1");
        sweeping.AddTo(command);
        running.AddTo(command);
        command.Add(OptionGroup.Output, output, json);
        command.Runs((parsed, cancellation) =>
        {
            var (options, path) = (sweeping.Read(parsed), parsed.GetValue(output));
            var run = running.Open(parsed, terminal);
            Destination.CheckFile("-o", path, run.ModelPath);
            Destination.CheckOutsideRun("-o", path, run.RunPath);
            Destination.CheckOutsideImages("-o", path, options.Images ?? run.ImagesPath);
            var (code, curve) = sweeping.Drop(parsed) is { } target
                ? FindSmallest(terminal, run, options, target, cancellation)
                : Sweep(terminal, run, options, cancellation);
            Show(terminal, curve, path, parsed.GetValue(json));
            return code;
        });
        return command;
    }

    private static (int Code, Curve Curve) Sweep(
        Terminal terminal, MeasuredRun run, SweepOptions options, CancellationToken cancellation)
    {
        var (curve, infeasible) = run.Sweep(options, terminal, cancellation);
        foreach (var result in infeasible)
        {
            terminal.Refuse(result.Infeasibility!);
        }
        return (infeasible.Count == 0 ? App.Done : App.No, curve);
    }

    private static (int Code, Curve Curve) FindSmallest(
        Terminal terminal, MeasuredRun run, SweepOptions options, double target, CancellationToken cancellation)
    {
        var (found, curve) = run.FindSmallest(target, options, terminal, cancellation);
        return (Say(terminal, run, options, target, found, curve), curve);
    }

    private static void Show(Terminal terminal, Curve curve, string? path, bool json)
    {
        if (path is not null)
        {
            curve.WriteCsv(path);
            terminal.Message($"written: {path}");
        }
        if (json)
        {
            terminal.Json(curve.ToJson());
        }
        else
        {
            terminal.Show(curve);
        }
    }

    /// <summary>Says what was found for a drop, in a line, and gives the exit code.</summary>
    private static int Say(Terminal terminal, MeasuredRun run, SweepOptions options, double target, CurvePoint? found, Curve curve)
    {
        var measure = MeasureViews.MeasureOf(curve.Points)?.Words() ?? (curve.FloatTop1 is null ? "agreement with FP32" : "top-1");
        if (found is null)
        {
            var best = curve.Of(CurveMethod.Clado).MinBy(p => p.Drop(curve.FloatTop1))!;
            terminal.Refuse(
                Invariant($"--target-drop {target}: no size measured keeps {measure} that close on these {curve.Images:N0} images; ")
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
