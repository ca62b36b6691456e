using System.CommandLine;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado export</c>: writes the model of a budget from a run folder.</summary>
internal static class ExportCommand
{
    public static Command Create(Terminal terminal)
    {
        var (run, choosing, resources, json) = (CommonOptions.Run(required: true), new CommonOptions.Choosing(), new CommonOptions.Resources(), CommonOptions.Json());
        var activating = new CommonOptions.Activating();
        var output = CommonOptions.Output(required: true);
        var command = new Command("export", "Write the quantized model of a budget, from what was measured.\n\nExample: clado export --run runs/resnet20 --budget 3bit -o resnet20-3bit.onnx")
        {
            run,
        };
        choosing.AddTo(command);
        command.Options.Add(output);
        activating.AddTo(command);
        resources.AddTo(command);
        command.Options.Add(json);
        command.Runs((parsed, cancellation) =>
        {
            var pipeline = Pipeline.Open(parsed.GetRequiredValue(run), resources.Read(parsed), activating.Read(parsed));
            var result = AllocateCommand.Allocate(terminal, pipeline, choosing.Read(parsed), parsed.GetValue(json), cancellation);
            if (result is null)
            {
                return App.No;
            }
            var path = parsed.GetRequiredValue(output);
            pipeline.Export(result, path, pipeline.MeasureRanges(result.Chosen, terminal, cancellation));
            if (parsed.GetValue(json))
            {
                terminal.Data(Json.Of(result, pipeline.Estimator, path));
            }
            else
            {
                terminal.Show(result);
                terminal.Data($"written: {path}");
            }
            return App.Done;
        });
        return command;
    }
}
