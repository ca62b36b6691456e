using System.Text.Json;
using Clado.Records;
using Clado.Reports;
using Clado.Runs;

namespace Clado.Studio;

/// <summary>The studio's page: the report's elements, and controls.</summary>
internal static class StudioPage
{
    private static readonly string[] Shared = ["numbers.js", "elements.js", "charts.js", "strip.js", "layer.js"];

    /// <summary>Makes the page.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">How the studio works.</param>
    public static string Of(MeasuredRun run, StudioOptions options)
    {
        var data = ReportReader.Read(RunFolder.Open(run.RunPath), options.Words);
        var widest = run.Uniform(data.Widths[^1]);
        var json = JsonSerializer.SerializeToNode(data, JsonText.Compact)!.AsObject();
        json["studio"] = JsonSerializer.SerializeToNode(
            new
            {
                Smallest = widest.SmallestBytes,
                Largest = widest.SizeBytes,
                Start = data.Curve.Chosen?.SizeBytes,
                Model = Path.GetFileNameWithoutExtension(run.ModelPath),
                ModelBytes = run.ModelBytes,
                Output = Path.GetFullPath(options.Output),
                ImageCount = options.Images is null ? run.ImageCount : (int?)null,
                options.Images,
                MostBitOperations = widest.Chosen.Sum(c => c.BitOperations(run.FileSize.ActivationBits)),
                run.WrittenAs,
            },
            JsonText.Compact);
        foreach (var part in (string[])["heat", "spectrum", "comparison", "options", "commands", "kept"])
        {
            // The report shows them.
            json.Remove(part);
        }
        return Page.Of(
            Resource("studio.html"), data.Title, [.. Shared.Select(Page.Resource), Resource("studio.js")],
            Page.Resource("page.css") + Resource("studio.css"), json.ToJsonString(JsonText.Compact));
    }

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(StudioPage).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
