using Clado.Cli.Options;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado measure</c>: sensitivities only; an interrupted run goes on where it stopped.</summary>
internal static class MeasureCommand
{
    public static Verb Create(Terminal terminal)
    {
        var measuring = new MeasuringOptions();
        var command = new Verb(
            "measure",
            "Measure sensitivities into a run folder; the same command goes on where it was stopped.\n\n"
            + "Example: clado measure resnet20.onnx --images calibration --run runs/resnet20");
        measuring.AddTo(command);
        command.Runs((parsed, cancellation) =>
        {
            var prepared = Prepare(measuring.Read(parsed, terminal));
            terminal.Show(prepared);
            var run = prepared.Measure(terminal, cancellation);
            terminal.ShowScalings(run);
            terminal.ShowSensitivity(run);
            terminal.ShowScales(run);
            return App.Done;
        });
        return command;
    }

    /// <summary>
    /// Reads and checks what is to be measured, the run folder first: that takes no time.
    /// A folder that has something in it may be of use as it is.
    /// </summary>
    public static PreparedRun Prepare(PipelineOptions options)
    {
        var run = options.Run ?? Pipeline.DefaultFolder;
        if (options.Run is null || !Directory.Exists(run) || !Directory.EnumerateFileSystemEntries(run).Any())
        {
            Destination.CheckFolder("--run", run);
        }
        return PreparedRun.Of(options);
    }
}
