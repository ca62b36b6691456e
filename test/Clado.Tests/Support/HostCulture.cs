using System.Globalization;
using System.Runtime.CompilerServices;

namespace Clado.Tests.Support;

/// <summary>
/// The culture that the tests run in: one that writes numbers otherwise, so that every test is one of culture as well.
/// <c>CLADO_TEST_CULTURE</c> names another; invariant is that of the command line. Where the runtime has its data (ICU, and
/// <c>DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=0</c>) the culture is the real one, upper and lower case included; else its numbers are written
/// here, so that nothing has to be installed.
/// </summary>
internal static class HostCulture
{
    private const string Usual = "de-DE";

    /// <summary>Whether cultures are real ones.</summary>
    public static bool HasData { get; } = "i".ToUpper(Of("tr-TR")) is "İ";

    /// <summary>A culture whose numbers are written with commas.</summary>
    /// <param name="name">Its name.</param>
    public static CultureInfo Of(string name)
    {
        try
        {
            var real = new CultureInfo(name);
            if (real.NumberFormat.NumberDecimalSeparator == ",")
            {
                return real;
            }
        }
        catch (CultureNotFoundException)
        {
            // Without data there is the invariant culture only.
        }
        var made = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        foreach (var property in typeof(NumberFormatInfo).GetProperties().Where(p => p.CanWrite && p.PropertyType == typeof(string)))
        {
            string? separator = property.Name.EndsWith("DecimalSeparator", StringComparison.Ordinal) ? ","
                : property.Name.EndsWith("GroupSeparator", StringComparison.Ordinal) ? "." : null;
            if (separator is not null)
            {
                property.SetValue(made.NumberFormat, separator);
            }
        }
        // As Swedish and others have it.
        made.NumberFormat.NegativeSign = "−";
        return made;
    }

    [ModuleInitializer]
    internal static void Set()
    {
        var name = Environment.GetEnvironmentVariable("CLADO_TEST_CULTURE") is { Length: > 0 } asked ? asked : Usual;
        var culture = name == "invariant" ? CultureInfo.InvariantCulture : Of(name);
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = culture;
    }
}
