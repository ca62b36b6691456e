using System.Globalization;
using Clado.Candidates;
using Clado.Layers;
using Clado.Records;

namespace Clado.Runs;

/// <summary>Candidates as <c>candidates.safetensors</c> holds them.</summary>
internal static class CandidateFile
{
    public static Safetensors Of(CandidateSet candidates)
    {
        var file = new Safetensors();
        foreach (var candidate in candidates.Items)
        {
            var key = KeyOf(candidate.Layer, candidate.Bits);
            file.Add(key + "/codes", candidate.Codes, [.. candidate.Layer.Shape]);
            file.Add(key + "/scales", candidate.Scales, candidate.Scales.Length);
            if (candidate.Bias is { } bias)
            {
                file.Add(key + "/bias", bias, bias.Length);
            }
            file.Metadata[key] = string.Create(CultureInfo.InvariantCulture, $"{candidate.SizeBytes} {candidate.SquaredError:R}");
        }
        return file;
    }

    /// <summary>Reads candidates, each of which must be one that its layer can have.</summary>
    /// <exception cref="InvalidDataException">One is not.</exception>
    public static CandidateSet Read(Stream stream, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths)
    {
        var file = Safetensors.Read(stream);
        return new CandidateSet(
            layers, [.. layers.Zip(widths).SelectMany(pair => pair.Second.Select(bits => Read(file, pair.First, bits)))]);
    }

    private static Candidate Read(Safetensors file, QuantizableLayer layer, int bits)
    {
        var key = KeyOf(layer, bits);
        if (!file.Metadata.TryGetValue(key, out var text) || text.Split(' ') is not [var size, var error])
        {
            throw new InvalidDataException($"nothing known of '{key}'");
        }
        var candidate = new Candidate
        {
            Layer = layer,
            Bits = bits,
            Codes = file.Get<sbyte>(key + "/codes", layer.Parameters),
            Scales = file.Get<float>(key + "/scales", layer.ChannelCount),
            Bias = file.Has(key + "/bias") ? file.Get<float>(key + "/bias", layer.ChannelCount) : null,
            SizeBytes = long.Parse(size, NumberStyles.None, CultureInfo.InvariantCulture),
            SquaredError = double.Parse(error, NumberStyles.Float, CultureInfo.InvariantCulture),
        };
        return Problem(candidate, key) is { } problem ? throw new InvalidDataException(problem) : candidate;
    }

    /// <summary>What no candidate of its layer can have, or null.</summary>
    internal static string? Problem(Candidate candidate, string key)
    {
        int limit = 1 << (candidate.Bits - 1);
        return candidate.Codes.Any(code => code < -limit || code >= limit) ? $"codes of '{key}' that have more than {candidate.Bits} bits"
            : candidate.Scales.Any(scale => !float.IsFinite(scale) || scale == 0) ? $"scales of '{key}' that are 0 or not finite"
            : candidate.Bias?.All(float.IsFinite) == false ? $"biases of '{key}' that are not finite"
            : candidate.Bias is not null && candidate.Layer.Bias is null ? $"biases of '{key}', which has none"
            : null;
    }

    private static string KeyOf(QuantizableLayer layer, int bits) => string.Create(CultureInfo.InvariantCulture, $"{layer.Name}/{bits}");
}
