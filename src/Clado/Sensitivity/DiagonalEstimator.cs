using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>Every candidate alone: no cross terms (CLADO* in arXiv 2307.05657). One suffix pass a candidate.</summary>
internal sealed class DiagonalEstimator : Estimator<double>
{
    public override string Name => "diagonal";

    public override IReadOnlyList<UnitSize> Units(MeasurementTask task) =>
        [.. task.Inputs.Candidates.LayerOf.Select(layer => new UnitSize(1, task.Cuts.Suffixes[layer].Macs))];

    protected override double[] Measure(BatchMeasurement batch, int row) => batch.Increases(batch.Shift(row));

    protected override MatrixMoments Combine(BatchMeasurement batch, double[][] units)
    {
        var moments = new MatrixMoments(units.Length);
        for (int row = 0; row < units.Length; row++)
        {
            moments[row, row] = Moments.Of(units[row].Select(increase => 2 * increase));
        }
        return moments;
    }
}
