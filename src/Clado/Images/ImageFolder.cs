namespace Clado.Images;

/// <summary>Reads what a folder holds: images, class folders of images, or images with a <c>labels.csv</c>.</summary>
internal static class ImageFolder
{
    /// <summary>The list of files and classes.</summary>
    internal const string LabelsFile = "labels.csv";

    /// <summary>The list of classes in the order of their indices.</summary>
    internal const string ClassesFile = "classes.txt";

    /// <summary>
    /// Lists the images of a folder and the folders below it. What a system left there, and names with a dot in front, are skipped.
    /// </summary>
    /// <param name="folder">
    /// A folder of images; or of class folders (names sorted are the class indices, unless <c>classes.txt</c> beside them lists them);
    /// or with a <c>labels.csv</c> (<c>file,class</c>, class an index). Where images lie beside folders, none has a class.
    /// </param>
    /// <exception cref="ImageFormatException">The folder is missing or has no images, or its labels do not fit its files.</exception>
    public static ImageSet Open(string folder) => Open(folder, isEarlier: false);

    /// <summary>Lists what Clado 0.4.0 took for the images of a folder: runs that were measured on those still open.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The images; null where it would have refused the folder.</returns>
    internal static ImageSet? OpenAsEarlier(string folder)
    {
        try
        {
            return Open(folder, isEarlier: true);
        }
        catch (ImageFormatException)
        {
            return null;
        }
    }

    private static ImageSet Open(string folder, bool isEarlier)
    {
        if (!Directory.Exists(folder))
        {
            throw new ImageFormatException(
                folder, File.Exists(folder) ? "is a file; give the folder that holds the images" : "no such folder");
        }
        var labels = Path.Combine(folder, LabelsFile);
        string[] lists = [labels, Path.Combine(folder, ClassesFile)];
        if (lists.FirstOrDefault(list => File.Exists(list) && !InputFile.IsRegular(list)) is { } list)
        {
            throw new ImageFormatException(list, $"{InputFile.Problem(list)}; put a text file there");
        }
        var scan = FolderScan.Of(folder, isEarlier);
        var items = File.Exists(labels) ? FromLabels(folder, labels, scan)
            : scan.Images[""].Count > 0 ? scan.Images.Values.SelectMany(images => images).Select(path => Item(folder, path, null))
            : FromClassFolders(folder, scan);
        var sorted = items.Select(Checked).OrderBy(i => i.Name, StringComparer.Ordinal).ToArray();
        return sorted.Length > 0
            ? new ImageSet(folder, sorted) { Skipped = scan.Skipped }
            : throw new ImageFormatException(
                folder, $"holds no images ({FolderScan.Endings}), here or in folders below{Beside(scan)}; give another folder");
    }

    /// <summary>What there is instead of images, in words.</summary>
    private static string Beside(FolderScan scan) => scan.Skipped is { } skipped ? $" ({skipped})" : "";

    private static ImageItem[] FromLabels(string folder, string labels, FolderScan scan)
    {
        ImageItem[] items = [.. LabelList.Read(folder, labels).Select(row => Item(folder, row.Path, row.Class))];
        var listed = items.Select(item => item.Path).ToHashSet();
        var there = scan.Images.Values.SelectMany(images => images).Select(Path.GetFullPath);
        scan.Skip($"that {LabelsFile} does not list", there.Count(path => !listed.Contains(path)));
        return items;
    }

    private static IEnumerable<ImageItem> FromClassFolders(string folder, FolderScan scan)
    {
        var list = Path.Combine(folder, ClassesFile);
        IReadOnlyList<string> classes =
            File.Exists(list) ? [.. File.ReadLines(list).Select(l => l.Trim()).Where(l => l.Length > 0)] : scan.Folders;
        if (scan.Folders.Except(classes).FirstOrDefault() is { } unknown)
        {
            throw new ImageFormatException(list, $"does not list the class folder '{unknown}'; add it or move the folder away");
        }
        var indices = classes.Index().DistinctBy(c => c.Item).ToDictionary(c => c.Item, c => c.Index);
        return scan.Folders.SelectMany(name => scan.Images[name].Select(path => Item(folder, path, indices[name])));
    }

    /// <summary>A pipe or a device among the images would hang whoever reads it.</summary>
    private static ImageItem Checked(ImageItem item) =>
        InputFile.Problem(item.Path) is { } problem ? throw new ImageFormatException(item.Path, $"{problem}; move it away") : item;

    private static ImageItem Item(string folder, string path, int? label) =>
        new(path, Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'), label);
}
