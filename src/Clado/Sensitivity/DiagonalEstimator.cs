using Clado.Candidates;

namespace Clado.Sensitivity;

/// <summary>Every candidate alone: no cross terms (CLADO* in arXiv 2307.05657). One suffix pass a candidate.</summary>
internal sealed class DiagonalEstimator : ISensitivityEstimator
{
    public string Name => "diagonal";

    public double WorkPerImage(PerturbedNetwork network, CandidateSet candidates) => candidates.LayerOf.Sum(layer => (double)network.SuffixMacs(layer));

    public double[] MeasureBatch(BatchMeasurement batch)
    {
        var candidates = batch.Candidates;
        var increases = batch.ForEachCandidate<double>(row => [batch.Increase(Shift(batch, row))], row => batch.Network.SuffixMacs(candidates.LayerOf[row]));
        int n = increases.Length;
        var sums = new double[n * n];
        for (int row = 0; row < n; row++)
        {
            sums[(row * n) + row] = 2 * increases[row][0];
        }
        return sums;
    }

    /// <summary>δ of one candidate alone: one suffix pass.</summary>
    internal static float[] Shift(BatchMeasurement batch, int row)
    {
        int layer = batch.Candidates.LayerOf[row];
        using var values = batch.Network.Values(batch.Candidates.Items[row]);
        using var state = batch.Network.Perturb(batch.Float, layer, values, tapped: false);
        batch.Progress.Add((double)batch.Network.SuffixMacs(layer) * batch.Float.ImageCount);
        return batch.Shift(state);
    }
}
