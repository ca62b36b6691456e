using System.Globalization;
using Clado.Candidates;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado.Runs;

/// <summary>
/// What rows cost as <c>rows.safetensors</c> holds it: of every layer that has rows four arrays, whose lines are its widths, the narrowest
/// first, and whose columns are its output channels.
/// </summary>
internal static class RowFile
{
    // What the arrays mean.
    private const string Version = "1";

    private static readonly string[] Kinds = ["alone", "aloneErrors", "shares", "shareErrors"];

    public static Safetensors Of(ChannelSensitivities rows, CandidateSet candidates)
    {
        var file = new Safetensors();
        file.Metadata["version"] = Version;
        file.Metadata["images"] = rows.ImageCount.ToString(CultureInfo.InvariantCulture);
        foreach (var (layer, own) in ByLayer(candidates).Where(l => rows.Layout.CountOf(l.Own[0]) > 0))
        {
            foreach (var (kind, values) in Kinds.Zip((double[][])[rows.Alone, rows.AloneErrors, rows.Shares, rows.ShareErrors]))
            {
                double[] part = [.. own.SelectMany(row => values[rows.Layout.Of(row)])];
                file.Add($"{candidates.Layers[layer].Name}/{kind}", part, own.Length, part.Length / own.Length);
            }
        }
        return file;
    }

    /// <summary>Reads what the rows of some candidates cost.</summary>
    /// <exception cref="InvalidDataException">It is none, or that of others.</exception>
    public static ChannelSensitivities Read(Stream stream, CandidateSet candidates)
    {
        var file = Safetensors.Read(stream);
        if (!file.Metadata.TryGetValue("version", out var version) || version != Version)
        {
            throw new InvalidDataException($"version '{version}', where {Version} is wanted");
        }
        if (!file.Metadata.TryGetValue("images", out var text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int images) || images < 1)
        {
            throw new InvalidDataException($"'{text}' images");
        }
        var layers = candidates.Layers;
        var layout = new ChannelOffsets(candidates, layer => file.Has($"{layers[layer].Name}/{Kinds[0]}"));
        double[][] values = [.. Kinds.Select(kind => ByLayer(candidates).Where(layer => layout.CountOf(layer.Own[0]) > 0)
            .SelectMany(layer => file.Get<double>(
                $"{layers[layer.Layer].Name}/{kind}", layer.Own.Sum(row => (long)layout.CountOf(row)))).ToArray())];
        return values.All(part => part.All(value => Math.Abs(value) <= SensitivityFile.Largest))
            ? new ChannelSensitivities(layout, values[0], values[1], values[2], values[3]) { ImageCount = images }
            : throw new InvalidDataException("numbers that are not finite, or larger than any loss");
    }

    /// <summary>Rows of the candidates of every layer. Candidates come layer by layer.</summary>
    private static IEnumerable<(int Layer, int[] Own)> ByLayer(CandidateSet candidates) =>
        candidates.LayerOf.Index().GroupBy(row => row.Item).Select(layer => (layer.Key, layer.Select(row => row.Index).ToArray()));
}
