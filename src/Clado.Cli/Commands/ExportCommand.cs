using System.CommandLine;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado export</c>: writes the model of a budget from a run folder.</summary>
internal static class ExportCommand
{
    public static Command Create(Terminal terminal)
    {
        var (run, budget, operations, json) = (CommonOptions.Run(required: true), CommonOptions.Budget(), CommonOptions.MaximumBitOperations(), CommonOptions.Json());
        var output = CommonOptions.Output(required: true);
        var command = new Command("export", "Write the quantized model of a budget, from what was measured.\n\nExample: clado export --run runs/resnet20 --budget 3bit -o resnet20-3bit.onnx")
        {
            run, budget, operations, output, json,
        };
        command.Runs((parsed, cancellation) =>
        {
            var pipeline = Pipeline.Open(parsed.GetRequiredValue(run));
            var result = AllocateCommand.Allocate(terminal, pipeline, parsed.GetRequiredValue(budget), parsed.GetValue(operations), parsed.GetValue(json), cancellation);
            if (result is null)
            {
                return App.No;
            }
            var path = parsed.GetRequiredValue(output);
            pipeline.Export(result, path);
            if (parsed.GetValue(json))
            {
                terminal.Data(Json.Of(result, pipeline.Sensitivity.Estimator, path));
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
