using System.CommandLine;
using Clado.Graphs;

namespace Clado.Cli.Options;

/// <summary>What a model gets beside images: for verbs that read one.</summary>
internal sealed class ModelInputOptions
{
    private readonly Option<string?> image = new("--input")
    {
        Description = "Name of the input that takes images, where more than one could",
    };

    private readonly Option<string[]> values = new("--set")
    {
        Description = "NAME=VALUE or NAME=VALUE,VALUE,…: what another input gets with every image, "
            + "one value for all its elements or one for each; may be repeated",
        DefaultValueFactory = _ => [],
    };

    public void AddTo(Command command)
    {
        command.Options.Add(image);
        command.Options.Add(values);
    }

    public InputOptions Read(ParseResult parsed) => InputOptions.Parse(parsed.GetValue(image), parsed.GetValue(values) ?? []);
}
