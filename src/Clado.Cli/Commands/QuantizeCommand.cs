using Clado.Allocation;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Tuning;

namespace Clado.Cli.Commands;

/// <summary><c>clado quantize</c>: the whole job.</summary>
internal static class QuantizeCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (measuring, choosing) = (new MeasuringOptions(), new ChoosingOptions());
        var (output, json) = (CommonOptions.Output(required: false), CommonOptions.Json());
        var (refine, tune, passes) = (CommonOptions.Refine(), CommonOptions.Tune(), CommonOptions.TunePasses());
        var command = new Verb(
            "quantize",
            "Measure, choose bits a layer for a budget, write the model and evaluate it: the whole job.\n\n"
            + "Example: clado quantize resnet20.onnx --images calibration --budget 120KiB -o resnet20-120k.onnx");
        measuring.AddTo(command);
        choosing.AddTo(command);
        command.Add(OptionGroup.Output, refine, tune, passes, output, json);
        command.Runs((parsed, cancellation) =>
        {
            var (options, choice, path) = (measuring.Read(parsed, terminal), choosing.Read(parsed), parsed.GetValue(output));
            Destination.CheckFile("-o", path, options.Model, [.. measuring.Files(parsed), .. choice.Files]);
            Check(options, path);
            var tuning = CommonOptions.TuningOf(parsed.GetRequiredValue(tune), parsed.GetValue(passes));
            return Run(terminal, options, choice, new Wanted(path, parsed.GetValue(refine), tuning, parsed.GetValue(json)), cancellation);
        });
        return command;
    }

    private static void Check(PipelineOptions options, string? output)
    {
        if (output is null)
        {
            Destination.CheckFolder("-o", ".");
        }
        Destination.CheckOutsideRun("-o", output, options.Run);
        Destination.CheckOutsideImages("-o", output, options.Images);
    }

    private static int Run(Terminal terminal, PipelineOptions options, Choice choice, Wanted wanted, CancellationToken cancellation)
    {
        var prepared = MeasureCommand.Prepare(options);
        prepared.CheckLabels();
        prepared.CheckTuning(wanted.Tune.Method);
        // A budget that no choice of widths keeps is so before anything is measured, and so are widths that make no file smaller.
        var tried = prepared.Try(choice.Budget, choice.Limits);
        Func<AllocationResult, string>? json = wanted.Json ? prepared.ToJson : null;
        if ((tried.Status == AllocationStatus.Infeasible && AllocateCommand.Refuse(terminal, tried, json))
            || AllocateCommand.RefuseLarger(terminal, tried, json))
        {
            return App.No;
        }
        terminal.Show(prepared);
        var job = prepared.WholeJob(terminal, choice.Rounds, wanted.Refine, wanted.Tune, compares: !wanted.Json);
        var run = prepared.Measure(job, cancellation);
        var result = AllocateCommand.AllocateToWrite(terminal, run, choice, wanted.Json, job, cancellation);
        if (result is null)
        {
            return App.No;
        }
        var path = wanted.Output ?? $"{Path.GetFileNameWithoutExtension(options.Model)}-{result.SizeBytes}.onnx";
        DeployedModel model;
        using (var deployment = run.Deploy(result, path, wanted.Refine, evaluate: true, wanted.Tune, job, cancellation))
        {
            terminal.Show(deployment.Model.Refinement);
            terminal.Show(deployment.Model.Tuning);
            model = deployment.Commit();
        }
        terminal.ShowLabelHint(model.Evaluation);
        terminal.ShowActivationHint(model.Activations);
        var biases = BesideTheFile(
            terminal, "what corrected biases gain", () => run.MeasureBiases(model.Allocation, job, cancellation));
        model = model with { Biases = biases };
        run.Keep(model);
        if (wanted.Json)
        {
            terminal.Json(run.ToJson(model));
            return App.Done;
        }
        Show(terminal, run, model, job, cancellation);
        return App.Done;
    }

    private static void Show(
        Terminal terminal, MeasuredRun run, DeployedModel model, IProgress<StageProgress> job, CancellationToken cancellation)
    {
        terminal.Show(model.Allocation);
        terminal.ShowScalings(run);
        terminal.Show(model.Biases);
        terminal.ShowKept(model);
        terminal.ShowGains(run);
        terminal.ShowScales(run);
        terminal.ShowRepair(model.Activations);
        var uniform = BesideTheFile(
            terminal, "uniform widths beside the file", () => run.UniformAround(model.SizeBytes, job, cancellation));
        terminal.ShowChart(model.Allocation, model.Evaluation!, uniform ?? []);
        terminal.Show(model.Parity);
        terminal.ShowSummary(run, model, uniform ?? []);
        terminal.Data($"written: {model.Path}");
    }

    /// <summary>
    /// Measures something of networks that nobody asked for, when the file is written: what is wrong with those is said, and left out.
    /// </summary>
    private static T? BesideTheFile<T>(Terminal terminal, string what, Func<T?> measure) where T : class
    {
        try
        {
            return measure();
        }
        catch (CladoException e)
        {
            terminal.Message($"{what}: left out, the file is written: {e.Message}");
            return null;
        }
    }

    /// <summary>What is to come out.</summary>
    /// <param name="Output">Path of the file; null for one named by model and size.</param>
    /// <param name="Refine">Whether layers are rounded again once the widths are known.</param>
    /// <param name="Tune">What codes, scales and biases are tuned by then.</param>
    /// <param name="Json">Whether JSON is printed.</param>
    private sealed record Wanted(string? Output, bool Refine, TuningOptions Tune, bool Json);
}
