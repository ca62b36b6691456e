using System.Globalization;

namespace Clado.Allocation;

/// <summary>What a network may cost: bytes of the written file, bits a weight, bit operations, or several of these.</summary>
public sealed record Budget
{
    // A weight has 32 bits in the FP32 file: a mean of more is a mistake in writing.
    private const double FloatBits = 32;

    // A petabyte: below it a floating-point number of bytes is exact to the byte, and no file is as large.
    private const double MostBytes = 1e15;

    /// <summary>Text it was given as, and what the limits add to it; names the file of the allocation.</summary>
    public required string Text { get; init; }

    /// <summary>Text it was given as.</summary>
    public string Asked => Text[..^Limits.Suffix.Length];

    /// <summary>Bytes of the written file, or null. Range: [1, 1e15).</summary>
    public long? FileBytes { get; init; }

    /// <summary>Mean bits over the quantizable weights, or null. Range: (0, 32]; from 8 on every choice keeps it.</summary>
    public double? BitsPerWeight { get; init; }

    /// <summary>What else the choice must keep.</summary>
    public AllocationLimits Limits { get; init; } = new();

    /// <summary>Reads a budget.</summary>
    /// <param name="text">
    /// Bytes of the file (<c>1.5MB</c>, <c>820KiB</c>, <c>120000</c>), mean bits over the quantizable weights (<c>3bit</c>), a share of
    /// the model's file as it is, of whatever precision (<c>25%</c>) or <c>none</c>.
    /// </param>
    /// <param name="floatFileBytes">Bytes of the model's file. Range: [1, inf).</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <exception cref="CladoException">The text is none of these, or a limit lies outside its range.</exception>
    public static Budget Parse(string text, long floatFileBytes, AllocationLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        limits ??= new();
        limits.Check();
        var budget = new Budget { Text = text + limits.Suffix, Limits = limits };
        return text == "none" ? budget
            : Number(text, "bits", out double value) || Number(text, "bit", out value)
                ? budget with { BitsPerWeight = value is > 0 and <= FloatBits ? value : throw Error(text) }
            : Number(text, "%", out value) && Whole(floatFileBytes * value / 100) is { } share ? budget with { FileBytes = share }
            : budget with { FileBytes = Bytes(text) ?? throw Error(text) };
    }

    /// <summary>Reads a number of bytes such as <c>4GB</c>, <c>820KiB</c> or <c>120000</c>. Range: [1, 1e15).</summary>
    /// <param name="option">The option that errors name.</param>
    /// <param name="text">The number and its unit.</param>
    /// <exception cref="CladoException">The text is no number of bytes.</exception>
    public static long ParseBytes(string option, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Bytes(text) ?? throw new CladoException($"{option} {text}: a number of bytes such as 4GB, 820KiB or 120000 is wanted");
    }

    private static long? Bytes(string text) =>
        Number(text, "GiB", out double value) ? Whole(value * (1 << 30))
        : Number(text, "MiB", out value) ? Whole(value * (1 << 20))
        : Number(text, "KiB", out value) ? Whole(value * (1 << 10))
        : Number(text, "GB", out value) ? Whole(value * 1e9)
        : Number(text, "MB", out value) ? Whole(value * 1e6)
        : Number(text, "kB", out value) ? Whole(value * 1e3)
        : Number(text, "B", out value) || Number(text, "", out value) ? Whole(value)
        : null;

    private static bool Number(string text, string unit, out double value)
    {
        value = 0;
        return text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
            && double.TryParse(
                text.AsSpan(0, text.Length - unit.Length).Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);
    }

    private static long? Whole(double value) => value is >= 1 and < MostBytes ? (long)Math.Floor(value) : null;

    private static CladoException Error(string text) =>
        new($"{Settings.Budget} {text}: not a budget; give bytes of the file (120000, 820KiB, 1.5MB), bits a weight (3bit), "
            + "a share of the model's file (25%), or none");
}
