using System.Security.Cryptography;
using System.Text;
using static System.FormattableString;

namespace Clado.Images;

/// <summary>An image file and its class.</summary>
/// <param name="Path">Path of the file.</param>
/// <param name="Name">Path below the set's folder, with '/' between folders.</param>
/// <param name="Label">Class index, or null where the set has no labels.</param>
internal sealed record ImageItem(string Path, string Name, int? Label)
{
    /// <summary>What it is moved by is drawn from a seed; null where it is as it is.</summary>
    public int? Motion { get; init; }
}

/// <summary>The images of a folder, in a fixed order.</summary>
/// <param name="folder">The folder they come from.</param>
/// <param name="items">The images, sorted by name. Shape: [images].</param>
internal sealed class ImageSet(string folder, IReadOnlyList<ImageItem> items)
{
    /// <summary>
    /// Images used where nobody says how many: what is measured hardly changes with more (docs/decisions/2026-11-27-default-limit.md).
    /// </summary>
    public const int DefaultLimit = 1024;

    private readonly Lazy<string> hash = new(() => Hash(items));

    /// <summary>The folder they come from.</summary>
    public string Folder => folder;

    /// <summary>The images, sorted by name. Shape: [images].</summary>
    public IReadOnlyList<ImageItem> Items { get; } = [.. items];

    /// <summary>
    /// SHA-256 over names, classes and contents: 64 lower-case hexadecimal digits. The files are read once, when it is first asked for.
    /// </summary>
    public string Sha256 => hash.Value;

    /// <summary>Whether every image has a class.</summary>
    public bool IsLabelled => Items.All(i => i.Label is not null);

    /// <summary>How many images the folder has, those left out by <see cref="Limit"/> included. Range: [images, inf).</summary>
    public int Found { get; private init; } = items.Count;

    /// <summary>How many files of the folder are no images of the set, and of which kinds, in words; null where all are.</summary>
    public string? Skipped { get; init; }

    /// <summary>Keeps what was decoded of them, for the next time; null where they are decoded every time.</summary>
    public DecodedImages? Decoded { get; private init; }

    /// <summary>The same images, which are decoded once, as are those of them that are taken out of this.</summary>
    public ImageSet DecodedOnce() => new(Folder, Items) { Skipped = Skipped, Found = Found, Decoded = new() };

    /// <summary>The images with other classes: those of a network that counts its classes otherwise, such as from a background.</summary>
    /// <param name="offset">What is added to every class index.</param>
    /// <exception cref="CladoException">The images have no classes, or a class would be below 0.</exception>
    public ImageSet WithLabelOffset(int offset)
    {
        if (offset == 0)
        {
            return this;
        }
        if (!IsLabelled)
        {
            throw new CladoException(Invariant($"{Settings.LabelOffset} {offset}: the images in {Folder} have no classes; leave it out"));
        }
        if (Items.FirstOrDefault(i => (long)i.Label! + offset is < 0 or > int.MaxValue) is { } item)
        {
            throw new CladoException(Invariant(
                $"{Settings.LabelOffset} {offset}: {item.Path} is of class {item.Label}, which would be {(long)item.Label! + offset}; ")
                + "classes are counted from 0");
        }
        return With(Items.Select(i => i with { Label = i.Label + offset }));
    }

    /// <summary>A number of images to use at most, if it is one.</summary>
    /// <param name="limit">The number. Range: [1, inf); null for all.</param>
    /// <exception cref="CladoException">It is less than 1.</exception>
    internal static int? CheckedLimit(int? limit) => limit is null or >= 1
        ? limit
        : throw new CladoException(Invariant($"{Settings.Limit} {limit}: at least 1 image is needed"));

    /// <summary>
    /// Draws some of the images, of whatever folders: classes keep about their shares. The same seed draws the same ones, in whatever order
    /// the file system lists them.
    /// </summary>
    /// <param name="limit">How many at most. Range: [1, inf); null for all.</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <exception cref="CladoException">The limit is less than 1.</exception>
    public ImageSet Limit(int? limit, int seed)
    {
        if (CheckedLimit(limit) is not { } count || count >= Items.Count)
        {
            return this;
        }
        // Ordered by a hash of seed and name: the algorithm of a random generator could change between versions.
        // A larger limit includes the choice of a smaller one.
        string Rank(ImageItem item) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Invariant($"{seed}:{item.Name}"))));
        return With(Items.OrderBy(Rank, StringComparer.Ordinal).Take(count).OrderBy(i => i.Name, StringComparer.Ordinal));
    }

    /// <summary>
    /// Whether the image at a position is held back. Every fourth image is: those of a class lie side by side, so that the same share of
    /// each class is held back.
    /// </summary>
    /// <param name="index">Position among <see cref="Items"/>.</param>
    internal static bool IsHeldBack(int index) => index % 4 == 3;

    /// <summary>The images that are not held back. Surrogates are measured on these where choices are judged on the others.</summary>
    internal ImageSet WithoutHeldBack() => With(Items.Where((_, index) => !IsHeldBack(index)));

    /// <summary>Other images of the same folder.</summary>
    private ImageSet With(IEnumerable<ImageItem> others) => new(Folder, [.. others])
    {
        Skipped = Skipped,
        Found = Found,
        Decoded = Decoded,
    };

    /// <summary>The images as they are, and each moved a few times besides: mirrored or not, by up to an eighth of its sides.</summary>
    /// <param name="times">How often. Range: [0, inf).</param>
    internal ImageSet AndMoved(int times) => With(Enumerable.Range(0, times + 1).SelectMany(time =>
        Items.Select((item, i) => time == 0 ? item : item with { Motion = (time * Items.Count) + i })));

    /// <summary>Some of the images, at even distances: the same share of every class, where those of a class lie side by side.</summary>
    /// <param name="count">How many at most. Range: [1, inf).</param>
    internal ImageSet Spread(int count) => count >= Items.Count
        ? this : With(Enumerable.Range(0, count).Select(i => Items[(int)((long)i * Items.Count / count)]));

    /// <summary>The images that are held back.</summary>
    internal ImageSet HeldBack() => With(Items.Where((_, index) => IsHeldBack(index)));

    private static string Hash(IReadOnlyList<ImageItem> items)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var item in items)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{item.Name}\n{item.Label}\n"));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(item.Path)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
