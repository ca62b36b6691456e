using System.CommandLine;
using Clado.Cli.Commands;
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

    private readonly Option<string?> size = new("--size")
    {
        Description = "Height and width of the images where the file leaves them free, such as 480x640, or one number for both "
            + "(default: looked for in preprocessing and metadata; else the first usual size at which the network runs)",
    };

    private readonly Option<string?> shape = new("--input-shape")
    {
        Description = "The whole shape of the image input where --size does not say enough, such as N,3,480,640; "
            + "1 in front runs images one by one",
    };

    public void AddTo(Verb command)
    {
        command.Add(OptionGroup.Input, image, values, size, shape);
    }

    public InputOptions Read(ParseResult parsed) => InputOptions.Parse(
        parsed.GetValue(image), parsed.GetValue(values) ?? [], parsed.GetValue(size), parsed.GetValue(shape));
}
