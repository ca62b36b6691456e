using Clado.Candidates;
using Clado.Records;
using static System.FormattableString;

namespace Clado.Runs;

/// <summary>
/// Widths of rows as <c>mixed.safetensors</c> holds them: of every layer that has some an array, a line a mixture, a column an output
/// channel.
/// </summary>
internal static class MixtureFile
{
    private const string Version = "1";

    public static Safetensors Of(IReadOnlyList<IReadOnlyList<int[]>> mixtures, CandidateSet candidates)
    {
        var file = new Safetensors();
        file.Metadata["version"] = Version;
        foreach (var (layer, own) in mixtures.Index().Where(layer => layer.Item.Count > 0))
        {
            file.Add(
                candidates.Layers[layer].Name, [.. own.SelectMany(row => row.Select(bits => (sbyte)bits))], own.Count, own[0].Length);
        }
        return file;
    }

    /// <summary>Reads mixtures of some candidates.</summary>
    /// <exception cref="InvalidDataException">They are none, or of others.</exception>
    public static IReadOnlyList<IReadOnlyList<int[]>> Read(Stream stream, CandidateSet candidates)
    {
        var file = Safetensors.Read(stream);
        if (!file.Metadata.TryGetValue("version", out var version) || version != Version)
        {
            throw new InvalidDataException($"version '{version}', where {Version} is wanted");
        }
        var widths = candidates.Items.ToLookup(candidate => candidate.Layer.Name, candidate => candidate.Bits);
        return [.. candidates.Layers.Select(layer =>
        {
            long count = file.Count(layer.Name);
            if (count == 0)
            {
                return Array.Empty<int[]>();
            }
            int[][] own = [.. file.Get<sbyte>(layer.Name, count).Select(bits => (int)bits).Chunk(layer.ChannelCount)];
            bool fits = count % layer.ChannelCount == 0 && layer is { ChannelAxis: not null, Matrices: 1 };
            return fits && own.All(row => row.All(widths[layer.Name].Contains) && row.Distinct().Count() is > 1 and <= RowGroup.Most)
                ? own
                : throw new InvalidDataException(Invariant($"{count} widths of rows that '{layer.Name}' cannot have"));
        })];
    }
}
