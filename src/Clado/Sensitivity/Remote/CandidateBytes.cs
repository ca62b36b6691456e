using System.Text.Json;
using Clado.Candidates;
using Clado.Layers;
using Clado.Records;
using static System.FormattableString;

namespace Clado.Sensitivity.Remote;

/// <summary>Candidates of whatever layers, those of mixed widths too, as other machines get them.</summary>
internal static class CandidateBytes
{
    private const string Layers = "layers", Items = "candidates";

    /// <summary>Writes candidates.</summary>
    public static void Write(CandidateSet candidates, Stream stream)
    {
        var file = new Safetensors();
        foreach (var (row, item) in candidates.Items.Index())
        {
            file.Add(Key(row, "codes"), item.Codes, item.Codes.Length);
            file.Add(Key(row, "scales"), item.Scales, item.Scales.Length);
            if (item.Bias is { } bias)
            {
                file.Add(Key(row, "bias"), bias, bias.Length);
            }
        }
        file.Metadata[Layers] = JsonSerializer.Serialize(candidates.Layers.Select(LayerState.Of), TaskFile.Json);
        file.Metadata[Items] = JsonSerializer.Serialize(
            candidates.Items.Select((item, row) => new ItemState(candidates.LayerOf[row], item.Bits, item.RowBits)), TaskFile.Json);
        file.Write(stream);
    }

    /// <summary>Reads candidates.</summary>
    /// <exception cref="InvalidDataException">They are none.</exception>
    /// <exception cref="JsonException">They are none.</exception>
    public static CandidateSet Read(Stream stream)
    {
        var file = Safetensors.Read(stream);
        T[] All<T>(string name) => file.Metadata.TryGetValue(name, out var text)
            ? JsonSerializer.Deserialize<T[]>(text, TaskFile.Json)! : throw new InvalidDataException($"no {name}");
        QuantizableLayer[] layers = [.. All<LayerState>(Layers).Select(state => state.Layer())];
        var items = All<ItemState>(Items);
        return new CandidateSet(layers, [.. items.Select((state, row) => Candidate(file, layers[state.Layer], state, row))]);
    }

    // Sizes and errors of weights are for who chooses, not for who measures.
    private static Candidate Candidate(Safetensors file, QuantizableLayer layer, ItemState state, int row) => new()
    {
        Layer = layer,
        Bits = state.Bits,
        RowBits = state.RowBits,
        Codes = file.Get<sbyte>(Key(row, "codes"), layer.Parameters),
        Scales = file.Get<float>(Key(row, "scales"), layer.ChannelCount),
        Bias = file.Has(Key(row, "bias")) ? file.Get<float>(Key(row, "bias"), layer.ChannelCount) : null,
        SizeBytes = 0,
        SquaredError = 0,
    };

    private static string Key(int row, string what) => Invariant($"{row}/{what}");

    private sealed record ItemState(int Layer, int Bits, IReadOnlyList<int>? RowBits);

    private sealed record LayerState(int Index, string Name, string Op, string Weight, string? Bias)
    {
        public required IReadOnlyList<int> Nodes { get; init; }

        public required IReadOnlyList<long> Shape { get; init; }

        public int? ChannelAxis { get; init; }

        public required int Matrices { get; init; }

        public required long Groups { get; init; }

        public required long Macs { get; init; }

        public static LayerState Of(QuantizableLayer layer) => new(layer.Index, layer.Name, layer.Op, layer.Weight, layer.Bias)
        {
            Nodes = layer.Nodes,
            Shape = layer.Shape,
            ChannelAxis = layer.ChannelAxis,
            Matrices = layer.Matrices,
            Groups = layer.Groups,
            Macs = layer.Macs,
        };

        public QuantizableLayer Layer() => new()
        {
            Index = Index,
            Name = Name,
            Op = Op,
            Weight = Weight,
            Bias = Bias,
            Nodes = Nodes,
            Shape = Shape,
            ChannelAxis = ChannelAxis,
            Matrices = Matrices,
            Groups = Groups,
            Macs = Macs,
        };
    }
}
