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
        // The default encoder escapes <, >, & and quotes: no name can end the script element it stands in.
        return Of(
            Resource("page.html"), data.Title, Scripts.Select(Resource), Resource("page.css"),
            JsonSerializer.Serialize(data, JsonText.Compact));
    }

    /// <summary>Puts a page together.</summary>
    /// <param name="template">HTML with places for the rest.</param>
    /// <param name="title">Its title.</param>
    /// <param name="scripts">Each uses those before it. Shape: [scripts].</param>
    /// <param name="style">Its style sheet.</param>
    /// <param name="data">Its data: JSON without &lt; and &amp;.</param>
    public static string Of(string template, string title, IEnumerable<string> scripts, string style, string data)
    {
        // As one, whose names are nobody else's.
        string script = "\"use strict\";\n(() => {\nconst data = JSON.parse(document.getElementById(\"data\").textContent);\n"
            + $"{string.Concat(scripts)}}})();\n";
        var parts = new Dictionary<string, string>
        {
            ["title"] = WebUtility.HtmlEncode(title),
            ["style"] = style,
            ["script"] = script,
            ["styleHash"] = Hash(style),
            ["scriptHash"] = Hash(script),
            ["data"] = data,
        };
        // In one pass: what is put in is not looked at again.
        return Placeholder().Replace(template, match => parts[match.Groups[1].Value]);
    }

    private static string Hash(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    /// <summary>A file that the page is made of.</summary>
    /// <param name="name">Its name.</param>
    public static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(Page).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex Placeholder();
}
