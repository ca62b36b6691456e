using System.CommandLine;
using Clado.Activations;
using Clado.Allocation;
using Clado.Cli.Output;
using Clado.Evaluation;

namespace Clado.Cli.Commands;

/// <summary><c>clado quantize</c>: the whole job.</summary>
internal static class QuantizeCommand
{
    public static Command Create(Terminal terminal)
    {
        var (measuring, choosing) = (new CommonOptions.Measuring(), new CommonOptions.Choosing());
        var (output, json) = (CommonOptions.Output(required: false), CommonOptions.Json());
        var command = new Command("quantize", "Measure, choose bits a layer for a budget, write the model and evaluate it: the whole job.\n\nExample: clado quantize resnet20.onnx --images calibration --budget 120KiB -o resnet20-120k.onnx");
        var refine = new Option<bool>("--refine") { Description = "When the widths are known, round every layer again on what the layers before it leave it; kept where the measured loss falls" };
        measuring.AddTo(command);
        choosing.AddTo(command);
        foreach (var option in (Option[])[refine, output, json])
        {
            command.Options.Add(option);
        }
        command.Runs((parsed, cancellation) => Run(
            terminal, measuring.Read(parsed), choosing.Read(parsed), parsed.GetValue(refine), parsed.GetValue(output), parsed.GetValue(json), cancellation));
        return command;
    }

    /// <summary>The whole job with options already read.</summary>
    public static int Run(
        Terminal terminal, PipelineOptions options, CommonOptions.Choice choice, bool refine, string? output, bool json, CancellationToken cancellation)
    {
        var pipeline = Pipeline.Measure(options, terminal, cancellation);
        var result = AllocateCommand.Allocate(terminal, pipeline, choice, json, cancellation);
        if (result is null)
        {
            return App.No;
        }
        var path = output ?? $"{Path.GetFileNameWithoutExtension(options.Model)}-{result.SizeBytes}.onnx";
        var activations = pipeline.MeasureRanges(result.Chosen, terminal, cancellation);
        pipeline.Export(result, path, activations);
        var evaluation = pipeline.Evaluate(path, options, terminal, cancellation);
        if (refine)
        {
            (result, evaluation, activations) = Refine(terminal, pipeline, options, (result, evaluation, activations), path, cancellation);
        }
        var parity = pipeline.CheckParity(result, path, activations, terminal, cancellation);
        pipeline.Keep("evaluation", Path.GetFileNameWithoutExtension(path), Json.Of(evaluation));
        var text = Json.Of(result, pipeline.Estimator, path, evaluation.LossIncrease, parity);
        pipeline.Keep("allocation", result.Budget.Text, text);
        if (json)
        {
            terminal.Data(text);
            return App.Done;
        }
        terminal.Show(result);
        terminal.ShowScalings(pipeline);
        terminal.ShowKept(pipeline);
        terminal.ShowGains(pipeline);
        terminal.Data($"measured on the written file, {evaluation.Images:N0} images it was chosen on: loss increase {evaluation.LossIncrease:0.0000} "
            + $"({pipeline.Sensitivity.Loss}; predicted {result.PredictedLoss:0.0000})"
            + (evaluation.Agreement is { } agreement ? $", top-1 agrees with FP32 on {agreement:P1}" : ""));
        terminal.ShowChart(result, evaluation, pipeline.UniformAround(result.SizeBytes, terminal, cancellation));
        terminal.Show(parity);
        terminal.Data($"written: {path}");
        return App.Done;
    }

    /// <summary>Writes the refined model over the file where its measured loss is lower.</summary>
    private static (AllocationResult Result, EvaluationResult Evaluation, QuantizedActivations? Activations) Refine(
        Terminal terminal, Pipeline pipeline, PipelineOptions options, (AllocationResult Result, EvaluationResult Evaluation, QuantizedActivations? Activations) before,
        string path, CancellationToken cancellation)
    {
        var refined = pipeline.Refine(before.Result, options, terminal, cancellation);
        var activations = pipeline.MeasureRanges(refined.Chosen, terminal, cancellation);
        pipeline.Export(refined, path, activations);
        var after = pipeline.Evaluate(path, options, terminal, cancellation);
        bool better = after.LossIncrease < before.Evaluation.LossIncrease;
        terminal.Message($"refining: loss increase {before.Evaluation.LossIncrease:0.0000} before, {after.LossIncrease:0.0000} after; {(better ? "kept" : "taken back")}");
        if (!better)
        {
            pipeline.Export(before.Result, path, before.Activations);
        }
        return better ? (refined, after, activations) : before;
    }
}
