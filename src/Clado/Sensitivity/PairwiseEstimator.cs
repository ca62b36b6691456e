using Clado.Candidates;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// Pairs of candidates of different layers on the network itself (arXiv 2307.05657, eq. 12): all of them, or those inside a block only. What lies
/// between the two layers depends on the first candidate alone and is run once for it, so a pair costs the suffix of its later layer; no number
/// changes by that.
/// </summary>
/// <param name="insideBlocks">Whether only pairs inside a residual or transformer block are measured; the others count as 0.</param>
internal sealed class PairwiseEstimator(bool insideBlocks) : ISensitivityEstimator
{
    public string Name => insideBlocks ? "block" : "pairwise";

    public double WorkPerImage(PerturbedNetwork network, CandidateSet candidates) =>
        Enumerable.Range(0, candidates.Items.Count).Sum(row => RowWork(network, candidates, row));

    public MatrixMoments MeasureBatch(BatchMeasurement batch)
    {
        var candidates = batch.Candidates;
        var rows = batch.ForEachCandidate(
            row => MeasureRow(batch, row), row => (1 + Partners(batch.Network, candidates, row).Count()) * batch.Start.ImageCount, row => RowWork(batch.Network, candidates, row));
        int n = rows.Length, images = batch.Start.ImageCount;
        var moments = new MatrixMoments(n);
        for (int a = 0; a < n; a++)
        {
            moments[a, a] = Moments.Of(rows[a].Take(images).Select(increase => 2 * increase));
            foreach (var (b, position) in Partners(batch.Network, candidates, a).Select((b, i) => (b, i + 1)))
            {
                moments[a, b] = Moments.Of(Enumerable.Range(0, images).Select(i => rows[a][(position * images) + i] - rows[a][i] - rows[b][i]));
            }
        }
        return moments;
    }

    /// <summary>Loss increases of a candidate alone, then of it with each of its partners. Shape: [1 + partners, images].</summary>
    private double[] MeasureRow(BatchMeasurement batch, int row)
    {
        var (candidates, network) = (batch.Candidates, batch.Network);
        int layer = candidates.LayerOf[row];
        int[] partners = [.. Partners(network, candidates, row)];
        using var first = network.Values(candidates.Items[row]);
        using var single = network.Perturb(batch.Start, layer, first, tapped: partners.Length > 0);
        batch.Progress.Add((double)network.SuffixMacs(layer) * batch.Start.ImageCount);
        var increases = new List<double>(batch.Increases(batch.Shift(single)));
        foreach (int other in partners)
        {
            batch.Work.Cancellation.ThrowIfCancellationRequested();
            int later = candidates.LayerOf[other];
            using var second = network.Values(candidates.Items[other]);
            using var pair = network.Perturb(single, later, second, tapped: false);
            increases.AddRange(batch.Increases(batch.Shift(pair)));
            batch.Progress.Add((double)network.SuffixMacs(later) * batch.Start.ImageCount);
        }
        return [.. increases];
    }

    /// <summary>Candidates of later layers that a candidate is paired with, ascending.</summary>
    private IEnumerable<int> Partners(PerturbedNetwork network, CandidateSet candidates, int row)
    {
        int layer = candidates.LayerOf[row];
        return Enumerable.Range(row + 1, candidates.Items.Count - row - 1).Where(other =>
            candidates.LayerOf[other] > layer && (!insideBlocks || network.BlockOf[candidates.LayerOf[other]] == network.BlockOf[layer]));
    }

    private double RowWork(PerturbedNetwork network, CandidateSet candidates, int row) =>
        network.SuffixMacs(candidates.LayerOf[row])
        + Partners(network, candidates, row).Sum(other => (double)network.SuffixMacs(candidates.LayerOf[other]));
}
