using Clado.Candidates;

namespace Clado.Sensitivity;

/// <summary>Where the numbers of every candidate's channels lie, one candidate after the other. Layers without rows have none.</summary>
internal sealed class ChannelOffsets
{
    private readonly int[] starts;

    /// <param name="candidates">The candidates.</param>
    /// <param name="hasRows">Whether a layer has rows, by its position.</param>
    public ChannelOffsets(CandidateSet candidates, Func<int, bool> hasRows)
    {
        bool[] has = [.. Enumerable.Range(0, candidates.Layers.Count).Select(hasRows)];
        starts = new int[candidates.Items.Count + 1];
        for (int row = 0; row < candidates.Items.Count; row++)
        {
            int layer = candidates.LayerOf[row];
            starts[row + 1] = checked(starts[row] + (has[layer] ? candidates.Layers[layer].ChannelCount : 0));
        }
    }

    /// <summary>Those of layers whose gradients by the weight are made image by image.</summary>
    /// <param name="cuts">The network.</param>
    /// <param name="candidates">The candidates of its layers.</param>
    public static ChannelOffsets Of(NetworkCuts cuts, CandidateSet candidates) => new(candidates, index =>
    {
        var layer = cuts.Layers[index];
        return layer.ChannelAxis is not null
            && cuts.Graph.Consumers(layer.Weight).All(node => new LinearUse(cuts.Graph, layer, node).HasWeightGradient);
    });

    /// <summary>Numbers of all candidates.</summary>
    public int Count => starts[^1];

    /// <summary>Where those of a candidate lie.</summary>
    /// <param name="row">The candidate. Range: [0, candidates).</param>
    public Range Of(int row) => starts[row]..starts[row + 1];

    /// <summary>Where the first of a candidate lies.</summary>
    /// <param name="row">The candidate. Range: [0, candidates).</param>
    public int Start(int row) => starts[row];

    /// <summary>Number of candidates.</summary>
    public int CandidateCount => starts.Length - 1;

    /// <summary>Channels of a candidate.</summary>
    /// <param name="row">The candidate. Range: [0, candidates).</param>
    public int CountOf(int row) => starts[row + 1] - starts[row];
}
