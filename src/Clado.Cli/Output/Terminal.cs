using System.Diagnostics;
using Clado.Execution;
using Spectre.Console;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>
/// Where a command's tables, JSON, messages and progress go: data to standard output, the rest to standard error. In a window, lines end
/// between words.
/// </summary>
internal sealed class Terminal : IProgress<StageProgress>, IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(0.2);
    private static readonly TimeSpan LineBeat = TimeSpan.FromSeconds(10);

    // Of a window that is wider, lines are not longer; of one that says nothing of its width, they are as long.
    private const int LongestLine = 100;

    // Wide enough for any layer name where nobody's window sets the limit.
    private const int WidthWithoutTerminal = 200;

    private readonly TextWriter output;
    private readonly TextWriter error;
    private readonly int outputWidth;
    private readonly int errorWidth;
    private readonly bool live;
    private readonly Stopwatch sinceShown = new();
    private readonly Stopwatch sinceBegun = new();
    private string stage = "";
    private bool isPlanSaid;
    private bool lineOpen;

    /// <summary>Begins.</summary>
    /// <param name="output">Receives data.</param>
    /// <param name="error">Receives progress and messages.</param>
    /// <param name="width">Characters of a line; null for those of the windows, where there are any.</param>
    public Terminal(TextWriter output, TextWriter error, int? width = null)
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
            Tables.Profile.Width = width ?? WidthWithoutTerminal;
            Tables.Profile.Capabilities.Unicode = true;
        }
        outputWidth = width ?? (terminal ? Tables.Profile.Width : int.MaxValue);
        errorWidth = width ?? (error == Console.Error && !Console.IsErrorRedirected && Console.WindowWidth > 1
            ? Console.WindowWidth : int.MaxValue);
    }

    /// <summary>Characters of the line that is rewritten.</summary>
    private int LineWidth => Math.Min(LongestLine, errorWidth < int.MaxValue ? errorWidth - 1 : LongestLine);

    /// <summary>For tables, on standard output.</summary>
    public IAnsiConsole Tables { get; }

    /// <summary>Whether only data and refusals are written.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Other machines that take part, which progress tells of; let go of at the end.</summary>
    public Machines? Machines { get; set; }

    /// <summary>Characters of a line of data; as good as endless where there is no window.</summary>
    public int Width => outputWidth;

    /// <summary>Writes a line of data; sentences in it have the words of the command line, too.</summary>
    /// <param name="text">The line.</param>
    /// <param name="indent">Blanks before what of it does not fit into the window.</param>
    public void Data(string text, int indent = 2)
    {
        EndProgress();
        output.WriteLine(TextLines.Wrapped(Words.Of(text), outputWidth, indent));
    }

    /// <summary>Writes what other programs read, as it is.</summary>
    public void Json(string text)
    {
        EndProgress();
        output.WriteLine(Words.Of(text));
    }

    /// <summary>Writes a message; the library's words become those of the command line.</summary>
    public void Message(string text)
    {
        if (!IsQuiet)
        {
            EndProgress();
            error.WriteLine(TextLines.Wrapped(Words.Of(text), errorWidth, 2));
        }
    }

    /// <summary>Says why the answer is no, or what is wrong: in one line, whatever else is not said.</summary>
    public void Refuse(string text)
    {
        EndProgress();
        error.WriteLine(TextLines.Wrapped($"clado: {Words.Of(text).ReplaceLineEndings(" ")}", errorWidth, 2));
    }

    /// <summary>Shows a table.</summary>
    public void Show(TextTable table)
    {
        EndProgress();
        table.Write(Tables);
    }

    /// <summary>A share in percent; a dash where there is none.</summary>
    public static string Percent(double? share) => share is { } s ? Invariant($"{s * 100:0.00} %") : "–";

    /// <summary>A value as it is written everywhere, whatever the culture.</summary>
    public static string Plain(object? value) => Invariant($"{value}");

    /// <summary>Takes the share done of one stage.</summary>
    /// <param name="name">Name of the stage.</param>
    public IProgress<double> Stage(string name) => StageProgress.Of(this, name);

    /// <summary>
    /// Shows how far a stage and its job are: one line that is rewritten, or a line now and then where the output is no terminal.
    /// Lines of stages that have ended stay.
    /// </summary>
    public void Report(StageProgress value)
    {
        if (IsQuiet)
        {
            return;
        }
        lock (sinceShown)
        {
            if (value.Share is not { } share)
            {
                Message($"{value.Stage}: {value.Detail}");
                return;
            }
            if (!isPlanSaid && ProgressText.Plan(value) is { } plan)
            {
                isPlanSaid = true;
                Message(plan);
                return;
            }
            bool isNew = value.Stage != stage;
            if (isNew)
            {
                EndStage();
                stage = value.Stage;
                sinceShown.Restart();
                sinceBegun.Restart();
            }
            bool isShownAtOnce = live && (isNew || share >= 1);
            if (sinceShown.Elapsed < (live ? Beat : LineBeat) && !isShownAtOnce)
            {
                return;
            }
            sinceShown.Restart();
            if (live)
            {
                error.Write($"\r{ProgressText.Line(value, LineWidth, Machines?.Status).PadRight(LineWidth)}");
                lineOpen = true;
            }
            else
            {
                error.WriteLine(ProgressText.Line(value, int.MaxValue, Machines?.Status));
            }
        }
    }

    /// <summary>The line of a stage that has ended says how long it took.</summary>
    private void EndStage()
    {
        if (lineOpen)
        {
            error.Write($"\r{$"{stage}: done in {ProgressText.Duration(sinceBegun.Elapsed)}".PadRight(LineWidth)}");
        }
        EndProgress();
    }

    /// <inheritdoc/>
    public void Dispose() => Machines?.Dispose();

    /// <summary>Ends the line that is being rewritten.</summary>
    public void EndProgress()
    {
        if (lineOpen)
        {
            error.WriteLine();
            lineOpen = false;
        }
    }
}
