namespace Clado.Records;

/// <summary>A folder that nothing can be written to.</summary>
/// <param name="path">The folder.</param>
/// <param name="inner">What was caught underneath.</param>
internal sealed class ReadOnlyFolderException(string path, Exception? inner = null)
    : CladoException(
        $"{path}: is read-only, and what has to be done must be kept there; "
        + $"make it writable, or copy it and give the copy with {Settings.Run}",
        inner)
{
    // EROFS of Linux and macOS, and Windows' word for a medium that is write-protected.
    private const int ReadOnlyFileSystem = 30, WriteProtected = unchecked((int)0x80070013);

    /// <summary>Whether something failed because nothing can be written there.</summary>
    public static bool IsMeant(Exception exception) =>
        exception is UnauthorizedAccessException || (exception is IOException && exception.HResult is ReadOnlyFileSystem or WriteProtected);
}
