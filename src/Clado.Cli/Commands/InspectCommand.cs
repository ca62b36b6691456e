using System.CommandLine;
using Clado.Cli.Output;
using Clado.Graphs;
using Clado.Layers;

namespace Clado.Cli.Commands;

/// <summary><c>clado inspect</c>: layers, sizes, MACs, what will not be quantized and why.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var (feeding, json) = (new CommonOptions.Feeding(), CommonOptions.Json());
        var command = new Command("inspect", "Layers, sizes, MACs, what will not be quantized and why.\n\nExample: clado inspect resnet20.onnx") { model, json };
        feeding.AddTo(command);
        command.Runs((parsed, _) =>
        {
            var graph = Graph.Read(parsed.GetRequiredValue(model), feeding.Read(parsed));
            var layers = LayerFinder.Find(graph);
            if (parsed.GetValue(json))
            {
                terminal.Data(Json.Of(graph, layers));
            }
            else
            {
                terminal.Show(graph, layers);
            }
            return App.Done;
        });
        return command;
    }
}
