using System.Globalization;
using System.Text.RegularExpressions;

namespace Clado.Tests.Sensitivity;

/// <summary>Reads what an error says is needed.</summary>
internal static class MemoryError
{
    /// <summary>Bytes that a measurement says it needs.</summary>
    public static long NeededBytes(string message)
    {
        var number = Regex.Match(message, @"at least ([\d,]+) MiB").Groups[1].Value.Replace(",", "", StringComparison.Ordinal);
        return long.Parse(number, CultureInfo.InvariantCulture) << 20;
    }
}
