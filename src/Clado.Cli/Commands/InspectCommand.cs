using Clado.Cli.Options;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado inspect</c>: layers, sizes, MACs, what will not be quantized and why.</summary>
internal static class InspectCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (model, inputs, json) = (CommonOptions.Model(), new ModelInputOptions(), CommonOptions.Json());
        var (preprocess, task) = (CommonOptions.Preprocess(), CommonOptions.Task());
        var command = new Verb(
            "inspect",
            "Layers, sizes, MACs, the smallest size that can be reached, what will not be quantized and why.\n\n"
            + "Example: clado inspect resnet20.onnx")
        {
            model,
        };
        command.Add(OptionGroup.Input, preprocess);
        inputs.AddTo(command);
        command.Add(OptionGroup.Measuring, task);
        command.Add(OptionGroup.Output, json);
        command.Runs((parsed, _) =>
        {
            var inspection = Inspection.Of(
                parsed.GetRequiredValue(model), inputs.Read(parsed), CommonOptions.PreprocessingOf(parsed.GetRequiredValue(preprocess)),
                CommonOptions.TaskOf(parsed.GetValue(task)));
            if (parsed.GetValue(json))
            {
                terminal.Json(inspection.ToJson());
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
