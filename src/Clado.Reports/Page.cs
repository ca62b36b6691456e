using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Clado.Records;

namespace Clado.Reports;

/// <summary>
/// The HTML page: one file that loads nothing. Data stands in it as JSON whose &lt; and &amp; are escaped. A content security policy lets
/// only the page's own script and style in, by their hashes.
/// </summary>
internal static partial class Page
{
    // Each uses those before it.
    private static readonly string[] Scripts =
    [
        "numbers.js", "elements.js", "charts.js", "strip.js", "layer.js", "answer.js", "curve.js", "heat.js", "matrix.js", "metrics.js",
        "report.js",
    ];

    /// <summary>Makes the page.</summary>
    public static string Of(ReportData data)
    {
        string script = Script(Scripts), style = Resource("page.css");
        var parts = new Dictionary<string, string>
        {
            ["title"] = WebUtility.HtmlEncode(data.Title),
            ["style"] = style,
            ["script"] = script,
            ["styleHash"] = Hash(style),
            ["scriptHash"] = Hash(script),
            // The default encoder escapes <, >, & and quotes: no name can end the script element it stands in.
            ["data"] = JsonSerializer.Serialize(data, JsonText.Compact),
        };
        // In one pass: what is put in is not looked at again.
        return Placeholder().Replace(Resource("page.html"), match => parts[match.Groups[1].Value]);
    }

    /// <summary>Scripts as one, whose names are nobody else's.</summary>
    private static string Script(IEnumerable<string> names) =>
        "\"use strict\";\n(() => {\nconst data = JSON.parse(document.getElementById(\"data\").textContent);\n"
        + $"{string.Concat(names.Select(Resource))}}})();\n";

    private static string Hash(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(Page).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex Placeholder();
}
