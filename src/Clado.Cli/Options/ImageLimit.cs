using System.CommandLine.Parsing;
using System.Globalization;
using static System.FormattableString;

namespace Clado.Cli.Options;

/// <summary>How many images are used at most.</summary>
/// <param name="Count">The number; null for all.</param>
internal readonly record struct ImageLimit(int? Count)
{
    private const string All = "all";

    /// <summary>Reads a number, or all. Whether the number is one of images is for the library to say.</summary>
    public static ImageLimit Parse(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text.Equals(All, StringComparison.OrdinalIgnoreCase))
        {
            return new(null);
        }
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int count))
        {
            result.AddError($"a whole number or {All} is wanted");
        }
        return new(count);
    }

    /// <summary>As it is written on the command line.</summary>
    public override string ToString() => Count is { } count ? Invariant($"{count}") : All;
}
