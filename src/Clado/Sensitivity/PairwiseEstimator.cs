using Clado.Candidates;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// Pairs of candidates of different layers on the network itself (arXiv 2307.05657, eq. 12): all of them, or those inside a block only.
/// What lies between the two layers depends on the first candidate alone and is run once for it, so a pair costs the suffix of its later
/// layer; no number changes by that.
/// </summary>
/// <param name="insideBlocks">
/// Whether only pairs inside a residual or transformer block are measured; the others count as 0.
/// </param>
internal sealed class PairwiseEstimator(bool insideBlocks) : Estimator<double>
{
    public override string Name => insideBlocks ? "block" : "pairwise";

    public override IReadOnlyList<UnitSize> Units(MeasurementTask task)
    {
        var (cuts, candidates) = (task.Cuts, task.Inputs.Candidates);
        double Macs(int row) => cuts.Suffixes[candidates.LayerOf[row]].Macs;
        return [.. Enumerable.Range(0, candidates.Items.Count).Select(row =>
        {
            int[] partners = Partners(cuts, candidates, row);
            return new UnitSize(1 + partners.Length, Macs(row) + partners.Sum(Macs));
        })];
    }

    /// <summary>Loss increases of a candidate alone, then of it with each of its partners. Shape: [1 + partners, images].</summary>
    protected override double[] Measure(BatchMeasurement batch, int row)
    {
        var (candidates, network, work) = (batch.Candidates, batch.Loaded.Network, batch.Loaded.Task.Inputs.Work);
        int layer = candidates.LayerOf[row];
        int[] partners = PartnersOf(batch, row);
        using var first = network.Values(candidates.Items[row]);
        using var single = network.Perturb(batch.Start, layer, first, tapped: partners.Length > 0);
        batch.Report(layer);
        var increases = new List<double>(batch.Increases(batch.Shift(single)));
        foreach (int other in partners)
        {
            work.Cancellation.ThrowIfCancellationRequested();
            int later = candidates.LayerOf[other];
            using var second = network.Values(candidates.Items[other]);
            using var pair = network.Perturb(single, later, second, tapped: false);
            increases.AddRange(batch.Increases(batch.Shift(pair)));
            batch.Report(later);
        }
        return [.. increases];
    }

    protected override MatrixMoments Combine(BatchMeasurement batch, double[][] units)
    {
        int images = batch.ImageCount;
        var moments = new MatrixMoments(units.Length);
        for (int a = 0; a < units.Length; a++)
        {
            var (row, partners) = (units[a], PartnersOf(batch, a));
            moments[a, a] = Moments.Of(row.Take(images).Select(increase => 2 * increase));
            for (int k = 0; k < partners.Length; k++)
            {
                int b = partners[k], pair = (1 + k) * images;
                moments[a, b] = Moments.Of(Enumerable.Range(0, images).Select(i => row[pair + i] - row[i] - units[b][i]));
            }
        }
        return moments;
    }

    private int[] PartnersOf(BatchMeasurement batch, int row) => Partners(batch.Loaded.Task.Cuts, batch.Candidates, row);

    /// <summary>Candidates of later layers that a candidate is paired with, ascending.</summary>
    private int[] Partners(NetworkCuts cuts, CandidateSet candidates, int row)
    {
        int layer = candidates.LayerOf[row];
        bool IsPartner(int other) =>
            candidates.LayerOf[other] > layer && (!insideBlocks || cuts.BlockOf[candidates.LayerOf[other]] == cuts.BlockOf[layer]);
        return [.. Enumerable.Range(row + 1, candidates.Items.Count - row - 1).Where(IsPartner)];
    }
}
