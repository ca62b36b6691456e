using Clado.Candidates;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>Every candidate alone: no cross terms (CLADO* in arXiv 2307.05657). One suffix pass a candidate.</summary>
internal sealed class DiagonalEstimator : ISensitivityEstimator
{
    public string Name => "diagonal";

    public double WorkPerImage(PerturbedNetwork network, CandidateSet candidates) => candidates.LayerOf.Sum(layer => (double)network.SuffixMacs(layer));

    public MatrixMoments MeasureBatch(BatchMeasurement batch)
    {
        var candidates = batch.Candidates;
        var increases = batch.ForEachCandidate(row => batch.Increases(Shift(batch, row)), _ => batch.Start.ImageCount, row => batch.Network.SuffixMacs(candidates.LayerOf[row]));
        var moments = new MatrixMoments(increases.Length);
        for (int row = 0; row < increases.Length; row++)
        {
            moments[row, row] = Moments.Of(increases[row].Select(increase => 2 * increase));
        }
        return moments;
    }

    /// <summary>δ of one candidate alone: one suffix pass; none, and exactly 0, for one the network has already.</summary>
    internal static float[] Shift(BatchMeasurement batch, int row)
    {
        if (batch.OperatingPoint.Contains(row))
        {
            return batch.Shift(batch.Start);
        }
        int layer = batch.Candidates.LayerOf[row];
        using var values = batch.Network.Values(batch.Candidates.Items[row]);
        using var state = batch.Network.Perturb(batch.Start, layer, values, tapped: false);
        batch.Progress.Add((double)batch.Network.SuffixMacs(layer) * batch.Start.ImageCount);
        return batch.Shift(state);
    }
}
