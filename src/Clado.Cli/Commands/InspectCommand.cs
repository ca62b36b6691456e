using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Images;

namespace Clado.Cli.Commands;

/// <summary><c>clado inspect</c>: layers, sizes, MACs, what will not be quantized and why.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        var (model, inputs, json) = (CommonOptions.Model(), new ModelInputOptions(), CommonOptions.Json());
        var (preprocess, task) = (CommonOptions.Preprocess(), CommonOptions.Task());
        var command = new Command(
            "inspect",
            "Layers, sizes, MACs, the smallest size that can be reached, what will not be quantized and why.\n\n"
            + "Example: clado inspect resnet20.onnx")
        {
            model, preprocess, task, json,
        };
        inputs.AddTo(command);
        command.Runs((parsed, _) =>
        {
            var inspection = Inspection.Of(
                parsed.GetRequiredValue(model), inputs.Read(parsed), Preprocessing.Parse(parsed.GetRequiredValue(preprocess)),
                CommonOptions.TaskOf(parsed.GetValue(task)));
            if (parsed.GetValue(json))
            {
                terminal.Data(inspection.ToJson());
            }
            else
            {
                terminal.Show(inspection);
            }
            return App.Done;
        });
        return command;
    }
}
