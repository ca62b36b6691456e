using static System.FormattableString;

namespace Clado.Images;

/// <summary>The images in a folder and the folders below it, and a count of what else lies there.</summary>
internal sealed class FolderScan
{
    private const string Hidden = "hidden or left by a system", Links = "links to folders", Unreadable = "folders that may not be read";

    private static readonly string[] EarlierExtensions = [".png", ".jpg", ".jpeg"];
    private static readonly string[] Extensions = [.. EarlierExtensions, ".bmp", ".gif", ".webp"];

    // What Windows, macOS and network storage leave among people's files, beside names that begin with a dot.
    private static readonly string[] SystemNames =
        ["thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"];

    private readonly SortedDictionary<string, int> skipped = new(StringComparer.Ordinal);

    private FolderScan(bool isEarlier) => IsEarlier = isEarlier;

    /// <summary>Endings of names that are taken for images, in words.</summary>
    public static string Endings => string.Join(", ", Extensions);

    /// <summary>Whether a file of a name is taken for an image.</summary>
    /// <param name="path">Path of the file.</param>
    public static bool IsImage(string path) => Extensions.Contains(Path.GetExtension(path).ToLowerInvariant());

    /// <summary>Whether folders are read as Clado 0.4.0 did: PNG and JPEG files, in the folder or its class folders.</summary>
    public bool IsEarlier { get; }

    /// <summary>
    /// Paths of the images by the class folder that they lie in or below; those in the folder itself are of "". Shape: [folders].
    /// </summary>
    public Dictionary<string, List<string>> Images { get; } = [];

    /// <summary>Names of the folders in the folder, sorted: the classes where no image lies beside them. Shape: [folders].</summary>
    public IReadOnlyList<string> Folders { get; private set; } = [];

    /// <summary>How many files were skipped, and of which kinds; null where none was.</summary>
    public string? Skipped => skipped.Count == 0
        ? null
        : Invariant($"{skipped.Values.Sum():N0} skipped: {string.Join(", ", skipped.Select(s => Invariant($"{s.Value:N0} {s.Key}")))}");

    /// <summary>Looks through a folder.</summary>
    /// <param name="folder">The folder, which is there.</param>
    /// <param name="isEarlier">Whether it is read as Clado 0.4.0 did.</param>
    public static FolderScan Of(string folder, bool isEarlier = false)
    {
        var scan = new FolderScan(isEarlier);
        scan.Images[""] = scan.FilesOf(folder, isTop: true);
        var folders = Directory.GetDirectories(folder).Where(path => !scan.IsSkipped(path)).Select(path => Path.GetFileName(path)!);
        scan.Folders = [.. folders.Order(StringComparer.Ordinal)];
        bool isFlat = scan.Images[""].Count > 0;
        foreach (var name in isEarlier && isFlat ? [] : scan.Folders)
        {
            var below = Path.Combine(folder, name);
            scan.Images[name] = isEarlier ? scan.FilesOf(below, isTop: false) : scan.FilesBelow(below, isClass: !isFlat);
        }
        return scan;
    }

    /// <summary>Counts what is not used.</summary>
    /// <param name="kind">What it is, in words.</param>
    /// <param name="count">How many.</param>
    public void Skip(string kind, int count = 1)
    {
        if (count > 0)
        {
            skipped[kind] = skipped.GetValueOrDefault(kind) + count;
        }
    }

    private List<string> FilesBelow(string folder, bool isClass)
    {
        var images = new List<string>();
        var open = new Stack<string>([folder]);
        while (open.TryPop(out var current))
        {
            // A class may be a link to where its images are; links further down may go in circles.
            if (new DirectoryInfo(current).LinkTarget is not null && !(isClass && current == folder && LeadsElsewhere(current)))
            {
                Skip(Links);
                continue;
            }
            try
            {
                images.AddRange(FilesOf(current, isTop: false));
                Array.ForEach([.. Directory.EnumerateDirectories(current).Where(path => !IsSkipped(path))], open.Push);
            }
            catch (UnauthorizedAccessException) when (!isClass)
            {
                Skip(Unreadable);
            }
        }
        return images;
    }

    /// <summary>Whether a link to a folder leads out of the folder that it lies in, and not to one around that.</summary>
    private static bool LeadsElsewhere(string link) =>
        new DirectoryInfo(link).ResolveLinkTarget(returnFinalTarget: true) is { } target
        && !FolderPath.Holds(target.FullName, Path.GetFullPath(link));

    private List<string> FilesOf(string folder, bool isTop)
    {
        var images = new List<string>();
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            var (name, ending) = (Path.GetFileName(file), Path.GetExtension(file).ToLowerInvariant());
            if (IsSkipped(file) || (isTop && name is ImageFolder.LabelsFile or ImageFolder.ClassesFile))
            {
                continue;
            }
            if ((IsEarlier ? EarlierExtensions : Extensions).Contains(ending))
            {
                images.Add(file);
            }
            else
            {
                Skip(ending.Length > 0 ? ending : "without an ending");
            }
        }
        return images;
    }

    private bool IsSkipped(string path)
    {
        var name = Path.GetFileName(path);
        bool isHidden = !IsEarlier && (name.StartsWith('.') || SystemNames.Contains(name.ToLowerInvariant()));
        Skip(Hidden, isHidden ? 1 : 0);
        return isHidden;
    }
}
