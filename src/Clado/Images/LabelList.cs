using System.Globalization;
using Clado.Records;

namespace Clado.Images;

/// <summary>Reads the list of a folder's images and their classes: <c>file,class</c> a line.</summary>
internal static class LabelList
{
    /// <summary>Reads a list.</summary>
    /// <param name="folder">The folder the files must lie in.</param>
    /// <param name="labels">Path of the list.</param>
    /// <returns>Path and class of each file. Shape: [files].</returns>
    /// <exception cref="ImageFormatException">A line is none, or its file is not there.</exception>
    public static IEnumerable<(string Path, int Class)> Read(string folder, string labels)
    {
        var seen = new HashSet<string>();
        foreach (var row in Rows(labels).Where(row => !row.IsBlank && !(row.Line == 1 && row.Cells is ["file", "class"])))
        {
            if (row.Cells is not [.. { Length: > 0 } names, var text]
                || !int.TryParse(text, NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out int label))
            {
                throw new ImageFormatException(
                    labels, $"line {row.Line} is '{row.Text}'; 'file,class' with a class index from 0 is wanted");
            }
            // Names that hold commas need no quotes here.
            var name = string.Join(',', names);
            var path = PathOf(name, folder, labels, row.Line);
            if (!seen.Add(path))
            {
                throw new ImageFormatException(labels, $"line {row.Line} names '{name}' a second time; keep one line a file");
            }
            yield return (path, label);
        }
    }

    private static IReadOnlyList<CsvRow> Rows(string labels)
    {
        try
        {
            return Csv.Read(File.ReadAllText(labels), trims: true);
        }
        catch (InvalidDataException e)
        {
            throw new ImageFormatException(labels, e.Message, e);
        }
    }

    /// <summary>The path of a file that a list names, which must lie in the list's folder.</summary>
    private static string PathOf(string name, string folder, string labels, int line)
    {
        if (name.Contains('\0', StringComparison.Ordinal))
        {
            throw new ImageFormatException(labels, $"line {line} has a zero byte in a name; no file is called so, save the list as text");
        }
        var path = Path.GetFullPath(Path.Combine(folder, name));
        if (Path.IsPathRooted(name) || !FolderPath.Holds(Path.GetFullPath(folder), path))
        {
            throw new ImageFormatException(
                labels, $"line {line} names '{name}', which lies outside the folder; list files of this folder only");
        }
        return File.Exists(path)
            ? path
            : throw new ImageFormatException(labels, $"line {line} names '{name}', which is not there; remove the line or add the file");
    }
}
