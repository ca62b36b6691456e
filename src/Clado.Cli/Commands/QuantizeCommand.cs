using System.CommandLine;
using Clado.Allocation;
using Clado.Cli.Output;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary><c>clado quantize</c>: the whole job.</summary>
internal static class QuantizeCommand
{
    public static Command Create(Terminal terminal)
    {
        var (measuring, choosing) = (new CommonOptions.Measuring(), new CommonOptions.Choosing());
        var (output, json) = (CommonOptions.Output(required: false), CommonOptions.Json());
        var command = new Command("quantize", "Measure, choose bits a layer for a budget, write the model and evaluate it: the whole job.\n\nExample: clado quantize resnet20.onnx --images calibration --budget 120KiB -o resnet20-120k.onnx");
        var refine = Refinement.Option();
        measuring.AddTo(command);
        choosing.AddTo(command);
        foreach (var option in (Option[])[refine, output, json])
        {
            command.Options.Add(option);
        }
        command.Runs((parsed, cancellation) =>
        {
            var (options, choice, path) = (measuring.Read(parsed), choosing.Read(parsed), parsed.GetValue(output));
            Destination.CheckFile("-o", path, options.Model, [.. measuring.Files(parsed), .. choice.Files]);
            return Run(terminal, options, choice, parsed.GetValue(refine), path, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static int Run(
        Terminal terminal, PipelineOptions options, CommonOptions.Choice choice, bool refine, string? output, bool json, CancellationToken cancellation)
    {
        if (output is null)
        {
            Destination.CheckFolder("-o", ".");
        }
        Destination.CheckOutsideRun("-o", output, options.Run);
        Destination.CheckOutsideImages("-o", output, options.Images);
        var prepared = MeasureCommand.Prepare(options);
        prepared.CheckLabels();
        // A budget that no choice of widths keeps is so before anything is measured.
        if (prepared.Try(choice.Budget, choice.Limits) is { Status: AllocationStatus.Infeasible } impossible
            && AllocateCommand.Refuse(terminal, impossible, options.Sensitivity.Estimator, prepared.WrittenAs, json))
        {
            return App.No;
        }
        var pipeline = Pipeline.Measure(prepared, terminal, cancellation);
        var result = AllocateCommand.Allocate(terminal, pipeline, choice, json, cancellation);
        if (result is null)
        {
            return App.No;
        }
        var path = output ?? $"{Path.GetFileNameWithoutExtension(options.Model)}-{result.SizeBytes}.onnx";
        var written = Refinement.Write(terminal, pipeline, result, path, refine, evaluate: true, cancellation);
        (result, var evaluation) = (written.Result, written.Evaluation!);
        var parity = written.File.Parity;
        var biases = Aside(terminal, "what corrected biases gain", () => pipeline.MeasureBiases(result, terminal, cancellation));
        pipeline.Keep("evaluation", Path.GetFileNameWithoutExtension(path), Json.Of(evaluation));
        var text = Json.Of(
            result, pipeline.Estimator, pipeline.WrittenAs, path, evaluation.LossIncrease, parity, biases, pipeline.Scales);
        pipeline.Keep("allocation", pipeline.NameOf(result, choice.Rounds), text);
        if (json)
        {
            terminal.Data(text);
            return App.Done;
        }
        terminal.Show(result);
        terminal.ShowScalings(pipeline);
        terminal.Show(biases);
        terminal.ShowKept(pipeline);
        terminal.ShowGains(pipeline);
        terminal.ShowScales(pipeline);
        terminal.Data(Invariant($"measured on the written file, {evaluation.Images:N0} images it was chosen on: loss increase {evaluation.LossIncrease:0.0000} ")
            + Invariant($"({pipeline.Sensitivity.Loss}; predicted {result.PredictedLoss:0.0000})")
            + (evaluation.Agreement is { } agreement ? Invariant($", top-1 agrees with FP32 on {agreement:P1}") : ""));
        terminal.ShowChart(
            result, evaluation, Aside(terminal, "uniform widths beside the file", () => pipeline.UniformAround(result.SizeBytes, terminal, cancellation)) ?? []);
        terminal.Show(parity);
        terminal.Data($"written: {path}");
        return App.Done;
    }

    /// <summary>Measures something beside the written file, of networks that nobody asked for: what is wrong with those is said, and left out.</summary>
    private static T? Aside<T>(Terminal terminal, string what, Func<T?> measure) where T : class
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
}
