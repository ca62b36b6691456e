using System.Diagnostics;
using Spectre.Console;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>Where a command's tables, JSON, messages and progress go: data to standard output, the rest to standard error.</summary>
internal sealed class Terminal : IProgress<StageProgress>
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(0.2);
    private static readonly TimeSpan LineBeat = TimeSpan.FromSeconds(10);

    // Wide enough for any layer name where nobody's window sets the limit.
    private const int WidthWithoutTerminal = 200;

    private readonly TextWriter output;
    private readonly TextWriter error;
    private readonly bool live;
    private readonly Stopwatch stageTime = new();
    private string stage = "";
    private double startShare;
    private TimeSpan lastShown;
    private bool lineOpen;

    public Terminal(TextWriter output, TextWriter error)
    {
        (this.output, this.error) = (output, error);
        bool plain = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        live = error == Console.Error && !Console.IsErrorRedirected && !plain;
        bool terminal = output == Console.Out && !Console.IsOutputRedirected;
        Tables = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = terminal && !plain ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal && !plain ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        if (!terminal)
        {
            Tables.Profile.Width = WidthWithoutTerminal;
            Tables.Profile.Capabilities.Unicode = true;
        }
    }

    /// <summary>For tables, on standard output.</summary>
    public IAnsiConsole Tables { get; }

    /// <summary>Writes a line of data; sentences in it have the words of the command line, too.</summary>
    public void Data(string text)
    {
        EndProgress();
        output.WriteLine(Words.Of(text));
    }

    /// <summary>Writes a message; the library's words become those of the command line.</summary>
    public void Message(string text)
    {
        EndProgress();
        error.WriteLine(Words.Of(text));
    }

    /// <summary>Shows a table.</summary>
    public void Show(TextTable table)
    {
        EndProgress();
        table.Write(Tables);
    }

    /// <summary>A share in percent; a dash where there is none.</summary>
    public static string Percent(double? share) => share is { } s ? Invariant($"{s * 100:0.00} %") : "–";

    /// <summary>Takes the share done of one stage.</summary>
    /// <param name="name">Name of the stage.</param>
    public IProgress<double> Stage(string name) => new StageShare(this, name);

    /// <summary>Shows how far a stage is: one line that is rewritten, or a line now and then where the output is no terminal.</summary>
    public void Report(StageProgress value)
    {
        lock (stageTime)
        {
            if (value.Share is not { } share)
            {
                Message($"{value.Stage}: {value.Detail}");
                return;
            }
            if (value.Stage != stage)
            {
                EndProgress();
                (stage, startShare, lastShown) = (value.Stage, share, TimeSpan.Zero);
                stageTime.Restart();
            }
            var now = stageTime.Elapsed;
            if (now - lastShown < (live ? Beat : LineBeat) && !(live && share >= 1))
            {
                return;
            }
            lastShown = now;
            // What was found done at the start took no time: only what came after says how long the rest takes.
            var left = share > startShare ? now * ((1 - share) / (share - startShare)) : (TimeSpan?)null;
            var text = Invariant($"{stage} {share * 100:F0} %{(left is { } time && share < 1 ? $", {Duration(time)} left" : "")}");
            if (live)
            {
                error.Write($"\r{text,-60}");
                lineOpen = true;
            }
            else
            {
                error.WriteLine(text);
            }
        }
    }

    /// <summary>Ends the line that is being rewritten.</summary>
    public void EndProgress()
    {
        if (lineOpen)
        {
            error.WriteLine();
            lineOpen = false;
        }
    }

    private static string Duration(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min"
        : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s"
        : $"{Math.Max(1, time.Seconds)} s";

    private sealed class StageShare(Terminal terminal, string stage) : IProgress<double>
    {
        public void Report(double value) => terminal.Report(new StageProgress(stage, null, value));
    }
}
