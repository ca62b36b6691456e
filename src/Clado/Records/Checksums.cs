using System.Text;

namespace Clado.Records;

/// <summary>
/// Sums of files, as <c>sha256sum</c> writes them. A comment says who the files belong to. A file that is being replaced has two sums.
/// </summary>
/// <param name="Owner">Who the files belong to: 64 hexadecimal digits, or null.</param>
/// <param name="Lines">Sum and name. Shape: [lines].</param>
internal sealed record Checksums(string? Owner, IReadOnlyList<(string Sum, string Name)> Lines)
{
    public const string FileName = "SHA256SUMS";

    private const string OwnerMark = "# clado run ";

    private const int Digits = 64;

    public static Checksums None { get; } = new(null, []);

    public bool Has(string name) => Lines.Any(line => line.Name == name);

    public bool Has(string name, string sum) => Lines.Contains((sum, name));

    public Checksums With(string sum, string name) => this with { Lines = [.. Lines.Append((sum, name)).Distinct()] };

    /// <summary>With that sum as the only one of its file.</summary>
    public Checksums Only(string sum, string name) => this with { Lines = [.. Lines.Where(line => line.Name != name), (sum, name)] };

    /// <summary>Where a file has two sums, since somebody was killed replacing it, those of them that are right.</summary>
    public Checksums Settled(Func<(string Sum, string Name), bool> isRight)
    {
        var twice = Lines.GroupBy(line => line.Name).Where(same => same.Count() > 1).Select(same => same.Key).ToHashSet();
        return this with { Lines = [.. Lines.Where(line => !twice.Contains(line.Name) || isRight(line))] };
    }

    /// <summary>Reads what <see cref="ToString"/> writes. Other lines are left out: the files they spoke of have no sums then.</summary>
    public static Checksums Parse(string text)
    {
        string? owner = null;
        var lines = new List<(string, string)>();
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith(OwnerMark, StringComparison.Ordinal))
            {
                owner = line[OwnerMark.Length..];
            }
            else if (line.Length > Digits + 2 && line.AsSpan(Digits, 2) is "  " && line[..Digits].All(char.IsAsciiHexDigitLower))
            {
                lines.Add((line[..Digits], line[(Digits + 2)..]));
            }
        }
        return new Checksums(owner, lines);
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        if (Owner is not null)
        {
            text.Append(OwnerMark).Append(Owner).Append('\n');
        }
        foreach (var (sum, name) in Lines.OrderBy(line => line.Name, StringComparer.Ordinal))
        {
            text.Append(sum).Append("  ").Append(name).Append('\n');
        }
        return text.ToString();
    }
}
