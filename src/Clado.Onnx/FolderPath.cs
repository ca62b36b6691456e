namespace Clado;

/// <summary>Paths of folders, which may end in a separator, as the root of a file system does.</summary>
internal static class FolderPath
{
    /// <summary>Whether a path lies in a folder or one below it, by the names alone.</summary>
    /// <param name="folder">The folder, absolute.</param>
    /// <param name="path">The path, absolute.</param>
    public static bool Holds(string folder, string path)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(path);
        var start = Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
        return path.StartsWith(start, StringComparison.Ordinal) && path.Length > start.Length;
    }
}
