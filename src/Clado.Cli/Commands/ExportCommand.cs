using System.CommandLine;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado export</c>: writes the model of a budget from a run folder.</summary>
internal static class ExportCommand
{
    public static Command Create(Terminal terminal)
    {
        var (run, choosing, resources, json) = (CommonOptions.Run(required: true), new CommonOptions.Choosing(), new CommonOptions.Resources(), CommonOptions.Json());
        var writing = new CommonOptions.Writing();
        var (output, refine) = (CommonOptions.Output(required: true), Refinement.Option());
        var command = new Command("export", "Write the quantized model of a budget, from what was measured.\n\nExample: clado export --run runs/resnet20 --budget 3bit -o resnet20-3bit.onnx")
        {
            run,
        };
        choosing.AddTo(command);
        command.Options.Add(output);
        command.Options.Add(refine);
        writing.AddTo(command);
        resources.AddTo(command);
        command.Options.Add(json);
        command.Runs((parsed, cancellation) =>
        {
            var (folder, path, choice) = (parsed.GetRequiredValue(run), parsed.GetRequiredValue(output), choosing.Read(parsed));
            var pipeline = Pipeline.Open(folder, resources.Read(parsed), writing.Activations(parsed, folder), writing.Opset(parsed), terminal);
            Destination.CheckFile("-o", path, pipeline.Graph.File, choice.Files);
            Destination.CheckOutsideRun("-o", path, folder);
            Destination.CheckOutsideImages("-o", path, pipeline.ImagesPath);
            var result = AllocateCommand.Allocate(terminal, pipeline, choice, parsed.GetValue(json), cancellation);
            if (result is null)
            {
                return App.No;
            }
            var written = Refinement.Write(terminal, pipeline, result, path, parsed.GetValue(refine), evaluate: false, cancellation);
            if (parsed.GetValue(json))
            {
                terminal.Data(Json.Of(
                    written.Result, pipeline.Estimator, pipeline.WrittenAs, path, written.Evaluation?.LossIncrease, written.File.Parity));
            }
            else
            {
                terminal.Show(written.Result);
                terminal.Show(written.File.Parity);
                terminal.Data($"written: {path}");
            }
            return App.Done;
        });
        return command;
    }
}
