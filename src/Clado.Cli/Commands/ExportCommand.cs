using Clado.Cli.Options;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado export</c>: writes the model of a budget from a run folder.</summary>
internal static class ExportCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (choosing, running, json) = (new ChoosingOptions(), new RunOptions(), CommonOptions.Json());
        var (output, refine, tune) = (CommonOptions.Output(required: true), CommonOptions.Refine(), CommonOptions.Tune());
        var command = new Verb(
            "export",
            "Write the quantized model of a budget, from what was measured.\n\n"
            + "Example: clado export --run runs/resnet20 --budget 3bit -o resnet20-3bit.onnx");
        choosing.AddToMeasured(command);
        running.AddTo(command);
        command.Add(OptionGroup.Output, output, refine, tune, json);
        command.Runs((parsed, cancellation) =>
        {
            var (path, choice) = (parsed.GetRequiredValue(output), choosing.Read(parsed));
            var run = running.Open(parsed, terminal);
            Destination.CheckFile("-o", path, run.ModelPath, choice.Files);
            Destination.CheckOutsideRun("-o", path, run.RunPath);
            Destination.CheckOutsideImages("-o", path, run.ImagesPath);
            var method = CommonOptions.TuningOf(parsed.GetRequiredValue(tune));
            run.CheckTuning(method);
            var job = run.WholeJob(terminal, choice.Rounds, parsed.GetValue(refine), method, choice.IsPredicted);
            var result = AllocateCommand.AllocateToWrite(terminal, run, choice, parsed.GetValue(json), job, cancellation);
            if (result is null)
            {
                return App.No;
            }
            using var deployment = run.Deploy(result, path, parsed.GetValue(refine), evaluate: false, method, job, cancellation);
            terminal.Show(deployment.Model.Refinement);
            terminal.Show(deployment.Model.Tuning);
            var model = deployment.Commit();
            terminal.ShowActivationHint(model.Activations);
            if (parsed.GetValue(json))
            {
                terminal.Json(run.ToJson(model));
            }
            else
            {
                terminal.Show(model.Allocation);
                terminal.ShowRepair(model.Activations);
                terminal.Show(model.Parity);
                terminal.ShowSummary(run, model);
                terminal.Data($"written: {path}");
            }
            return App.Done;
        });
        return command;
    }
}
