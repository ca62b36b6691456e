using Clado.Candidates;
using Clado.Layers;
using Clado.Packing;

namespace Clado;

/// <summary>Candidates before anything is rounded: all codes are zero, sizes are those that the candidates will have.</summary>
internal static class UnroundedCandidates
{
    /// <summary>Those of all layers at all widths.</summary>
    /// <param name="space">What is searched.</param>
    public static CandidateSet Of(SearchSpace space) =>
        new CandidateSet(space.Layers.Layers, [.. space.Layers.Layers.Zip(space.Widths, Unrounded).SelectMany(own => own)])
            .WrittenFor(space.Graph);

    private static IEnumerable<Candidate> Unrounded(QuantizableLayer layer, IReadOnlyList<int> widths)
    {
        var (codes, scales) = (new sbyte[layer.Parameters], new float[layer.ChannelCount]);
        return widths.Select(bits => new Candidate
        {
            Layer = layer,
            Bits = bits,
            Codes = codes,
            Scales = scales,
            SizeBytes = 0,
            SquaredError = 0,
        });
    }
}
