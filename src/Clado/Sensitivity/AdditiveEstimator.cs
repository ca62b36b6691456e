using Clado.Candidates;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// Cross terms from one suffix pass a candidate: the outputs of a pair are taken as <c>z0 + δ_a + δ_b</c>, and the loss of that is arithmetic
/// on stored outputs. The loss's own curvature and saturation are exact; only the network's cross term is linearised (docs/method.md, "Additive").
/// </summary>
internal sealed class AdditiveEstimator : ISensitivityEstimator
{
    public string Name => "additive";

    public double WorkPerImage(PerturbedNetwork network, CandidateSet candidates) => candidates.LayerOf.Sum(layer => (double)network.SuffixMacs(layer));

    public MatrixMoments MeasureBatch(BatchMeasurement batch)
    {
        var candidates = batch.Candidates;
        var shifts = batch.ForEachCandidate(row => DiagonalEstimator.Shift(batch, row), _ => batch.ShiftLength, row => batch.Network.SuffixMacs(candidates.LayerOf[row]));
        var moments = batch.Loss.CrossTerms(shifts, candidates.LayerOf, batch.Work.Threads);
        for (int row = 0; row < shifts.Length; row++)
        {
            moments[row, row] = Moments.Of(batch.Increases(shifts[row]).Select(increase => 2 * increase));
        }
        return moments;
    }
}
