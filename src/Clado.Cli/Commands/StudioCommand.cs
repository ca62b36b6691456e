using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Studio;

namespace Clado.Cli.Commands;

/// <summary><c>clado studio</c>: the report of a run, live in a browser on this machine.</summary>
internal static class StudioCommand
{
    public static Verb Create(Terminal terminal)
    {
        var run = new Argument<string>("RUN") { Description = "Run folder" };
        var images = new Option<string?>("--evaluate")
        {
            Description = "Folder of images to evaluate written files on (default: those of the run)",
        };
        var output = new Option<string>("--output", "-o") { Description = "Folder to write files to", DefaultValueFactory = _ => "." };
        var port = new Option<int>("--port") { Description = "Port on this machine (default: any that is free)" };
        var (writing, resources) = (new WritingOptions(), new ResourceOptions());
        var command = new Verb(
            "studio",
            "Try budgets and pins on a measured run in a browser, and write files from there. It serves this machine alone.\n\n"
            + "Example: clado studio runs/resnet20 --evaluate test")
        {
            run,
        };
        command.Add(OptionGroup.Input, images);
        resources.AddTo(command);
        command.Add(OptionGroup.Output, output, port);
        writing.AddTo(command);
        command.Runs((parsed, cancellation) =>
        {
            var (path, folder) = (parsed.GetRequiredValue(run), parsed.GetRequiredValue(output));
            Destination.CheckFolder("-o", folder);
            var opened = Pipeline.Open(path, writing.Read(parsed) with { Resources = resources.Read(parsed) }, terminal);
            terminal.ShowNotes(opened.Notes);
            var options = new StudioOptions
            {
                Port = parsed.GetValue(port),
                Output = folder,
                Images = parsed.GetValue(images),
                Writing = WritingOptions.Of(opened),
                Words = Words.Of,
            };
            StudioHost.Serve(opened, options, address => Ready(terminal, address), cancellation);
            return App.Done;
        });
        return command;
    }

    private static void Ready(Terminal terminal, string address)
    {
        terminal.Data($"studio: {address}");
        terminal.Message("open it in a browser on this machine; Ctrl-C ends it");
    }
}
