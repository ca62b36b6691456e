namespace Clado;

/// <summary>Words of commands that people copy into a shell.</summary>
internal static class ShellWord
{
    /// <summary>A word as a POSIX shell takes it.</summary>
    /// <param name="word">The word.</param>
    public static string Quoted(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,@%+".Contains(c))
        ? word
        : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
