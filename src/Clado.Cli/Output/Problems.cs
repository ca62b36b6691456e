namespace Clado.Cli.Output;

/// <summary>Errors in words for who uses the program.</summary>
internal static class Problems
{
    /// <summary>The one line for errors that are the user's to mend; null for defects of this program.</summary>
    public static string? Expected(Exception exception) => exception switch
    {
        CladoException e => e.Message,
        AggregateException e when e.Flatten().InnerExceptions is [var only, ..] => Expected(only),
        OperationCanceledException => StopSignals.Message,
        IOException or UnauthorizedAccessException => OfFiles(exception),
        OutOfMemoryException => "there is not enough memory; close other programs, or give a smaller --memory or --limit",
        _ => null,
    };

    /// <summary>Whether it is the answer to being told to stop.</summary>
    public static bool IsStop(Exception exception) => exception switch
    {
        AggregateException e when e.Flatten().InnerExceptions is [var only, ..] => IsStop(only),
        _ => exception is OperationCanceledException,
    };

    /// <summary>What is said of a defect of this program, before its trace.</summary>
    public static string OfDefect(Exception exception) =>
        $"this is a defect of Clado, not of what you gave it ({CladoException.Plain(exception)}); run it again with {TraceVariable}=1, "
        + "and report the command with what that adds";

    /// <summary>Set to 1, it has traces of defects shown.</summary>
    public const string TraceVariable = "CLADO_TRACE";

    /// <summary>What the system says of files, and what to do.</summary>
    private static string OfFiles(Exception exception)
    {
        const int DiskFull = 28, DiskFullOfWindows = 0x70, HandleDiskFull = 0x27;
        string what = CladoException.Plain(exception).TrimEnd('.');
        return exception switch
        {
            UnauthorizedAccessException => $"{what}; give a place that is yours, or its rights",
            FileNotFoundException or DirectoryNotFoundException => $"{what}; it was there before: has another program moved it?",
            _ when (exception.HResult & 0xffff) is DiskFull or DiskFullOfWindows or HandleDiskFull =>
                $"{what}; make room and run the same command again, which goes on where it was",
            _ => $"{what}; run the same command again, which goes on where it was",
        };
    }
}
