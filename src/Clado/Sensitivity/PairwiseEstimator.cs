using Clado.Candidates;

namespace Clado.Sensitivity;

/// <summary>
/// Every pair of candidates of different layers on the network itself (arXiv 2307.05657, eq. 12). What lies between the two layers depends on
/// the first candidate alone and is run once for it, so a pair costs the suffix of its later layer; no number changes by that.
/// </summary>
internal sealed class PairwiseEstimator : ISensitivityEstimator
{
    public string Name => "pairwise";

    public double WorkPerImage(PerturbedNetwork network, CandidateSet candidates) =>
        Enumerable.Range(0, candidates.Items.Count).Sum(row => RowWork(network, candidates, row));

    public double[] MeasureBatch(BatchMeasurement batch)
    {
        var candidates = batch.Candidates;
        var rows = batch.ForEachCandidate(row => MeasureRow(batch, row), row => RowWork(batch.Network, candidates, row));
        int n = rows.Length;
        var sums = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            sums[(a * n) + a] = 2 * rows[a][0];
            foreach (int b in Later(candidates, a))
            {
                sums[(a * n) + b] = sums[(b * n) + a] = rows[a][1 + b - (n - rows[a].Length + 1)] - rows[a][0] - rows[b][0];
            }
        }
        return sums;
    }

    /// <summary>Loss increase of a candidate alone, then of it with each candidate of the later layers. Shape: [1 + later candidates].</summary>
    private static double[] MeasureRow(BatchMeasurement batch, int row)
    {
        var (candidates, network) = (batch.Candidates, batch.Network);
        int layer = candidates.LayerOf[row];
        using var weight = PerturbedNetwork.WeightValue(candidates.Layers[layer], candidates.Items[row].Dequantize());
        using var single = network.Perturb(batch.Float, layer, weight, tapped: true);
        batch.Progress.Add((double)network.SuffixMacs(layer) * batch.Float.ImageCount);
        var increases = new List<double> { batch.Increase(batch.Shift(single)) };
        foreach (int other in Later(candidates, row))
        {
            batch.Cancellation.ThrowIfCancellationRequested();
            int later = candidates.LayerOf[other];
            using var second = PerturbedNetwork.WeightValue(candidates.Layers[later], candidates.Items[other].Dequantize());
            using var pair = network.Perturb(single, later, second, tapped: false);
            increases.Add(batch.Increase(batch.Shift(pair)));
            batch.Progress.Add((double)network.SuffixMacs(later) * batch.Float.ImageCount);
        }
        return [.. increases];
    }

    /// <summary>Candidates of the layers after a candidate's own: the last rows of the matrix.</summary>
    private static IEnumerable<int> Later(CandidateSet candidates, int row) =>
        Enumerable.Range(row + 1, candidates.Items.Count - row - 1).Where(other => candidates.LayerOf[other] > candidates.LayerOf[row]);

    private static double RowWork(PerturbedNetwork network, CandidateSet candidates, int row) =>
        network.SuffixMacs(candidates.LayerOf[row]) + Later(candidates, row).Sum(other => (double)network.SuffixMacs(candidates.LayerOf[other]));
}
