using System.Text.Json;

namespace Clado.Records;

/// <summary>
/// A file whose contents are not what was written, or not what they should be. Who knows how it came to be says what to do about it.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="problem">What is wrong with it.</param>
/// <param name="inner">What was caught underneath, if anything.</param>
internal sealed class DamagedFileException(string path, string problem, Exception? inner = null)
    : CladoException($"{path}: {problem}", inner)
{
    /// <summary>What is wrong with the file.</summary>
    public string Problem { get; } = problem;

    /// <summary>Reads contents that may be anything at all: what a parser says of them becomes one error that names the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it should be.</param>
    /// <param name="parse">Reads it.</param>
    public static T Guard<T>(string path, string what, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or EndOfStreamException or KeyNotFoundException
            or FormatException or OverflowException or InvalidOperationException)
        {
            throw new DamagedFileException(path, $"is no {what} ({CladoException.Plain(e)})", e);
        }
    }
}
