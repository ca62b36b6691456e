using System.Globalization;
using Clado.Records;

namespace Clado.Images;

/// <summary>Reads what a folder holds: images, class folders of images, or images with a <c>labels.csv</c>.</summary>
internal static class ImageFolder
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg"];

    /// <summary>Lists the images of a folder.</summary>
    /// <param name="folder">
    /// A folder of images; or of class folders (names sorted are the class indices, unless <c>classes.txt</c> beside them lists them);
    /// or with a <c>labels.csv</c> (<c>file,class</c>, class an index).
    /// </param>
    /// <exception cref="ImageFormatException">The folder is missing or has no images, or its labels do not fit its files.</exception>
    public static ImageSet Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new ImageFormatException(
                folder, File.Exists(folder) ? "is a file; give the folder that holds the images" : "no such folder");
        }
        var labels = Path.Combine(folder, "labels.csv");
        string[] lists = [labels, Path.Combine(folder, "classes.txt")];
        if (lists.FirstOrDefault(list => File.Exists(list) && !InputFile.IsRegular(list)) is { } list)
        {
            throw new ImageFormatException(list, $"{InputFile.Problem(list)}; put a text file there");
        }
        var items = File.Exists(labels) ? FromLabels(folder, labels)
            : Images(folder) is { Count: > 0 } flat ? flat.Select(path => Item(folder, path, null))
            : FromClassFolders(folder);
        var sorted = items.Select(Checked).OrderBy(i => i.Name, StringComparer.Ordinal).ToArray();
        return sorted.Length > 0
            ? new ImageSet(folder, sorted)
            : throw new ImageFormatException(
                folder, $"holds no images ({string.Join(", ", Extensions)}), here or in class folders; give another folder");
    }

    private static IEnumerable<ImageItem> FromLabels(string folder, string labels)
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
            yield return Item(folder, path, label);
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

    private static IEnumerable<ImageItem> FromClassFolders(string folder)
    {
        var folders = Directory.GetDirectories(folder).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal).ToArray();
        var list = Path.Combine(folder, "classes.txt");
        var classes = File.Exists(list) ? [.. File.ReadLines(list).Select(l => l.Trim()).Where(l => l.Length > 0)] : folders;
        if (folders.Except(classes).FirstOrDefault() is { } unknown)
        {
            throw new ImageFormatException(list, $"does not list the class folder '{unknown}'; add it or move the folder away");
        }
        return folders.SelectMany(name =>
            Images(Path.Combine(folder, name)).Select(path => Item(folder, path, Array.IndexOf(classes, name))));
    }

    private static List<string> Images(string folder) =>
        [.. Directory.EnumerateFiles(folder).Where(f => Extensions.Contains(Path.GetExtension(f).ToLowerInvariant()))];

    /// <summary>A pipe or a device among the images would hang whoever reads it.</summary>
    private static ImageItem Checked(ImageItem item) =>
        InputFile.Problem(item.Path) is { } problem ? throw new ImageFormatException(item.Path, $"{problem}; move it away") : item;

    private static ImageItem Item(string folder, string path, int? label) =>
        new(path, Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'), label);
}
