using Clado.Allocation;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Layers;
using Clado.Records;
using Clado.Runs;

namespace Clado.Reports;

/// <summary>Reads the numbers of a report from a run folder; neither model nor images are needed.</summary>
internal static class ReportReader
{
    // A gain may be much larger than its error.
    private const int ErrorDigits = 5;

    /// <summary>Reads.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="words">What becomes of sentences that name the library's settings.</param>
    /// <exception cref="RunFolderException">The folder is no run folder, not finished, or its files do not fit each other.</exception>
    public static ReportData Read(RunFolder folder, Func<string, string> words)
    {
        var matrix = folder.ReadSensitivity();
        var run = folder.Description;
        var network = new ReportNetwork(folder, matrix.CandidateCount);
        var curve = CurveOf(folder);
        // A curve without a hash was made of allocations: no sweep gives it again.
        bool isSwept = curve is { Points.Count: > 0, ImagesSha256.Length: > 0 };
        return new ReportData
        {
            Title = Path.GetFileNameWithoutExtension(run.ModelPath),
            Layers = network.Layers(matrix),
            Blocks = network.Blocks(),
            Widths = network.Widths,
            Loss = matrix.Loss,
            Estimator = run.Estimator == matrix.Estimator ? run.Estimator : $"{run.Estimator} (matrix: {matrix.Estimator})",
            SensitivityImages = matrix.ImageCount,
            Curve = new ReportCurve(
                curve.Images,
                curve.ImagesSha256.Length == 0 || curve.ImagesSha256 == run.ImagesSha256,
                curve.FloatBytes > 0 ? curve.FloatBytes : null,
                curve.FloatTop1,
                MeasureOf(curve),
                [.. curve.Points.Select(point => Point(point, curve, network.Names))])
            {
                Chosen = folder.LastChosen() is { } last
                    ? new(last.Point.Budget, last.Point.SizeBytes, Path.GetFileName(last.Output)) : null,
            },
            Comparison = folder.ReadComparisons().Select(own => ReportComparison.Of(own, network.Names, words))
                .FirstOrDefault(own => own is not null),
            Heat = HeatMap.Of(matrix.Raw, matrix.CandidateCount, network.Rows, network.Widths),
            Spectrum = [.. matrix.Eigenvalues.Select(HeatMap.Rounded)],
            Kept = [.. folder.ReadTable(RunTables.KeptFile, 3).Select(cells => new KeptOperation(cells[0], cells[1], cells[2]))],
            Options = Reproduction.Options(run, folder.ReadScales()),
            Commands = Reproduction.Commands(run, folder.FolderPath, isSwept ? curve : null),
        };
    }

    private static ReportPoint Point(CurvePoint point, Curve curve, string[] layers) => new()
    {
        Method = point.Method,
        Budget = point.Budget,
        SizeBytes = point.SizeBytes,
        BitsPerWeight = point.BitsPerWeight,
        PredictedLoss = point.PredictedLoss,
        MeasuredLoss = point.MeasuredLoss,
        MeasuredLossError = point.MeasuredLossError,
        Top1 = point.Top1,
        Top1Gain = Pair(point.Top1Gain),
        Agreement = point.Agreement,
        MeasureValue = point.MeasureValue,
        Gap = point.Gap,
        Gains = point.Gains is null ? null : [.. point.Gains.Select(gain => Gain(gain, curve)).OfType<ReportGain>()],
        Bits = [.. layers.Select(name => point.Allocation.GetValueOrDefault(name))],
        Shares = point.RowWidths?.Where(own => layers.Contains(own.Key)).ToDictionary(
            own => Array.IndexOf(layers, own.Key),
            own => (IReadOnlyDictionary<int, double>)own.Value.ToDictionary(
                width => width.Key, width => HeatMap.Rounded((double)width.Value / own.Value.Values.Sum()))),
    };

    /// <summary>A gain; null where the other is not on the curve any more.</summary>
    private static ReportGain? Gain(CurveDifference gain, Curve curve)
    {
        int other = curve.Points.Index().Where(own => (own.Item.Method, own.Item.Budget) == (gain.Method, gain.Budget))
            .Select(own => own.Index).DefaultIfEmpty(-1).First();
        return other < 0 ? null : new(gain.Method, other, Pair(gain.Loss)!, Pair(gain.Top1), Pair(gain.Agreement));
    }

    private static double[]? Pair(LossGain? gain) =>
        gain is null ? null : [HeatMap.Rounded(gain.Mean, ErrorDigits), HeatMap.Rounded(gain.StandardError)];

    private static ReportMeasure? MeasureOf(Curve curve) =>
        curve.Points.FirstOrDefault(p => p.MeasureValue is not null)?.Measure is { } measure
            ? new ReportMeasure(measure.Title(), measure.DropOf(0) == 0)
            : null;

    /// <summary>
    /// The curve with most points. Where none was swept, what was allocated budget by budget, measured on the run's images.
    /// </summary>
    private static Curve CurveOf(RunFolder folder)
    {
        var (run, swept) = (folder.Description, folder.ReadCurves());
        return swept.FirstOrDefault(curve => curve.Of(CurveMethod.Clado).Any())
            ?? (swept.FirstOrDefault(curve => curve.ImagesSha256 == run.ImagesSha256) ?? Empty(run)).With(folder.ReadAllocations());
    }

    private static Curve Empty(RunDescription run) => new()
    {
        ImagesPath = run.ImagesPath,
        Images = run.ImageCount,
        ImagesSha256 = "",
        Activations = run.Activations,
        FloatBytes = 0,
    };
}
