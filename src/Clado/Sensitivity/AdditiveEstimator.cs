using Clado.Candidates;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// Cross terms from one suffix pass a candidate: the outputs of a pair are taken as <c>z0 + δ_a + δ_b</c>.
/// The loss of that is arithmetic on stored outputs, so its own curvature and saturation are exact; only the network's cross term is
/// linearised (docs/method.md, "Additive").
/// </summary>
internal sealed class AdditiveEstimator : Estimator<float>
{
    public override string Name => "additive";

    // The shifts of all candidates on a batch are held when their cross terms are formed.
    public override EstimatorMemory Memory(NetworkCuts cuts, CandidateSet candidates) =>
        new(0, sizeof(float) * (long)candidates.Items.Count * cuts.Readout.ElementCount);

    public override IReadOnlyList<UnitSize> Units(MeasurementTask task) =>
        [.. task.Inputs.Candidates.LayerOf.Select(layer => new UnitSize(task.Cuts.Readout.ElementCount, task.Cuts.Suffixes[layer].Macs))];

    protected override float[] Measure(BatchMeasurement batch, int row) => batch.Shift(row);

    protected override MatrixMoments Combine(BatchMeasurement batch, float[][] units) => Combined(batch, units);

    /// <summary>The sums of a batch whose shifts add up.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="shifts">δ of every candidate. Shape: [candidates][images · outputs].</param>
    public static MatrixMoments Combined(BatchMeasurement batch, float[][] shifts)
    {
        var moments = batch.Loss.CrossTerms(shifts, batch.Candidates.LayerOf, batch.Loaded.Task.Inputs.Work.Threads);
        for (int row = 0; row < shifts.Length; row++)
        {
            moments[row, row] = Moments.Of(batch.Increases(shifts[row]).Select(increase => 2 * increase));
        }
        return moments;
    }
}
