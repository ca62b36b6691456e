using System.Security.Cryptography;
using System.Text;
using static System.FormattableString;

namespace Clado.Images;

/// <summary>An image file and its class.</summary>
/// <param name="Path">Path of the file.</param>
/// <param name="Name">Path below the set's folder, with '/' between folders.</param>
/// <param name="Label">Class index, or null where the set has no labels.</param>
public sealed record ImageItem(string Path, string Name, int? Label);

/// <summary>The images of a folder, in a fixed order.</summary>
/// <param name="Folder">The folder they come from.</param>
/// <param name="Items">The images, sorted by name. Shape: [images].</param>
public sealed record ImageSet(string Folder, IReadOnlyList<ImageItem> Items)
{
    /// <summary>Whether every image has a class.</summary>
    public bool IsLabelled => Items.All(i => i.Label is not null);

    /// <summary>Picks some of the images; the same seed picks the same ones, whatever order the file system lists them in.</summary>
    /// <param name="limit">How many at most. Range: [1, inf); null for all.</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <exception cref="CladoException">None are to be left.</exception>
    public ImageSet Limit(int? limit, int seed)
    {
        if (limit < 1)
        {
            throw new CladoException(Invariant($"--limit {limit}: at least 1 image is needed"));
        }
        if (limit is not { } count || count >= Items.Count)
        {
            return this;
        }
        // Ordered by a hash of seed and name: no generator whose algorithm could change between versions, and a larger limit keeps the smaller's choice.
        var chosen = Items.OrderBy(i => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Invariant($"{seed}:{i.Name}")))), StringComparer.Ordinal)
            .Take(count).OrderBy(i => i.Name, StringComparer.Ordinal);
        return this with { Items = [.. chosen] };
    }

    /// <summary>Whether the image at a position is held back: every fourth is, so that classes, which lie side by side, are held back alike.</summary>
    /// <param name="index">Position among <see cref="Items"/>.</param>
    internal static bool IsHeldBack(int index) => index % 4 == 3;

    /// <summary>The images that are not held back: those the surrogates of <c>--estimator auto</c> are measured on.</summary>
    internal ImageSet Measured() => this with { Items = [.. Items.Where((_, index) => !IsHeldBack(index))] };

    /// <summary>SHA-256 over names, classes and contents: lower-case hexadecimal.</summary>
    public string ComputeHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var item in Items)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{item.Name}\n{item.Label}\n"));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(item.Path)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
