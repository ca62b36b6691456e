using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Reports;

namespace Clado.Cli.Commands;

/// <summary><c>clado report</c>: everything a run folder knows, as one HTML page and as figures.</summary>
internal static class ReportCommand
{
    public static Verb Create(Terminal terminal)
    {
        var run = CommonOptions.Run(required: true);
        var output = new Option<string?>("--output", "-o") { Description = "HTML file to write (default: report.html in the run folder)" };
        var figures = new Option<string?>("--figures") { Description = "Folder for the figures as SVG and PNG" };
        var command = new Verb(
            "report",
            "One HTML page of what a run folder holds: curve, bits of every layer, sensitivities. "
            + "It needs neither the model nor a network.\n\n"
            + "Example: clado report --run runs/resnet20 -o resnet20.html --figures figures");
        command.Add(OptionGroup.Input, run);
        command.Add(OptionGroup.Output, output, figures);
        command.Runs(
            (parsed, _) => Run(terminal, parsed.GetRequiredValue(run), parsed.GetValue(output), parsed.GetValue(figures)),
            runsModels: false);
        return command;
    }

    private static int Run(Terminal terminal, string folder, string? path, string? figures)
    {
        var report = Report.Read(folder, Words.Of);
        Destination.CheckFile("-o", path, report.ModelPath);
        Destination.CheckOutsideRun("-o", path, folder);
        Destination.CheckFolder("--figures", figures);
        if (figures is not null)
        {
            Report.CheckFont();
        }
        if (path is null)
        {
            path = report.WriteToRun();
        }
        else
        {
            report.Write(path);
        }
        terminal.Data($"written: {path}");
        foreach (var file in figures is null ? [] : report.WriteFigures(figures))
        {
            terminal.Data($"written: {file}");
        }
        return App.Done;
    }
}
