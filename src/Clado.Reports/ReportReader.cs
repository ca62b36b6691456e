using System.Globalization;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Layers;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;

namespace Clado.Reports;

/// <summary>Reads the numbers of a report from a run folder; neither model nor images are needed.</summary>
internal static class ReportReader
{
    /// <summary>Reads.</summary>
    /// <exception cref="RunFolderException">The folder is no run folder, not finished, or its files do not fit each other.</exception>
    public static ReportData Read(RunFolder folder)
    {
        var matrix = folder.ReadSensitivity();
        var run = folder.Description;
        var table = folder.ReadTable(RunTables.CandidatesFile, 4);
        // Candidates whose rows have widths of their own have none that a map could be of.
        Row[] candidates = [.. table.Index().Where(row => !row.Item[1].Contains(':', StringComparison.Ordinal)).Select(row =>
            new Row(row.Item[0], (int)Number(folder, row.Item[1]), Number(folder, row.Item[2]), row.Index))];
        var layers = folder.ReadTable(RunTables.LayersFile, 7);
        string[] names = [.. layers.Select(cells => cells[0])];
        if (!(table.Count == matrix.CandidateCount && Fit(names, candidates)))
        {
            throw new RunFolderException(
                folder.FolderPath,
                "its layers.csv, candidates.csv and sensitivity.safetensors do not fit each other; remove the folder and measure again");
        }
        var byLayer = candidates.ToLookup(candidate => candidate.Layer);
        int[] widths = [.. candidates.Select(candidate => candidate.Bits).Distinct().Order()];
        int[][] rows = [.. widths.Select(bits => names.Select(name => Nearest(byLayer[name], bits).Index).ToArray())];
        var curve = CurveOf(folder);
        // A curve without a hash was made of allocations: no sweep gives it again.
        bool isSwept = curve is { Points.Count: > 0, ImagesSha256.Length: > 0 };
        return new ReportData
        {
            Title = Path.GetFileNameWithoutExtension(run.ModelPath),
            Layers = [.. layers.Select(cells => Layer(folder, cells, byLayer[cells[0]], matrix))],
            Widths = widths,
            Loss = matrix.Loss,
            Estimator = run.Estimator == matrix.Estimator ? run.Estimator : $"{run.Estimator} (matrix: {matrix.Estimator})",
            SensitivityImages = matrix.ImageCount,
            Curve = new ReportCurve(
                curve.Images,
                curve.FloatBytes > 0 ? curve.FloatBytes : null,
                curve.FloatTop1,
                MeasureOf(curve),
                [.. curve.Points.Select(point => Point(point, names))]),
            Comparison = folder.ReadComparisons().Select(own => ReportComparison.Of(own, names)).FirstOrDefault(own => own is not null),
            Heat = HeatMap.Of(matrix.Raw, matrix.CandidateCount, rows, widths),
            Spectrum = [.. matrix.Eigenvalues.Select(HeatMap.Rounded)],
            Kept = [.. folder.ReadTable(RunTables.KeptFile, 3).Select(cells => new KeptOperation(cells[0], cells[1], cells[2]))],
            Options = Reproduction.Options(run, folder.ReadScales()),
            Commands = Reproduction.Commands(run, folder.FolderPath, isSwept ? curve : null),
        };
    }

    /// <summary>Whether tables and matrix are of one run: every layer once, with candidates; every candidate once, with a row.</summary>
    private static bool Fit(string[] layers, Row[] candidates) =>
        layers.Length > 0
        && layers.Distinct().Count() == layers.Length
        && layers.All(candidates.Select(candidate => candidate.Layer).ToHashSet().Contains)
        && candidates.All(candidate => candidate.Bits is >= 2 and <= 8)
        && candidates.DistinctBy(candidate => (candidate.Layer, candidate.Bits)).Count() == candidates.Length;

    /// <summary>
    /// A layer that does not have a width (a pin) stands in the map of that width with the nearest it has, as in a uniform network.
    /// </summary>
    private static Row Nearest(IEnumerable<Row> candidates, int bits) =>
        candidates.OrderBy(candidate => Math.Abs(candidate.Bits - bits)).ThenByDescending(candidate => candidate.Bits).First();

    private static ReportLayer Layer(RunFolder folder, string[] cells, IEnumerable<Row> candidates, SensitivityMatrix matrix) => new(
        cells[0],
        cells[1],
        [.. cells[3].Split('x').Select(dim => Number(folder, dim))],
        Number(folder, cells[4]),
        Number(folder, cells[5]),
        candidates.ToDictionary(candidate => candidate.Bits, candidate => candidate.SizeBytes),
        candidates.ToDictionary(candidate => candidate.Bits, candidate => HeatMap.Rounded(matrix.LossIncrease(candidate.Index))));

    private static ReportPoint Point(CurvePoint point, string[] layers) => new()
    {
        Method = point.Method,
        SizeBytes = point.SizeBytes,
        BitsPerWeight = point.BitsPerWeight,
        PredictedLoss = point.PredictedLoss,
        MeasuredLoss = point.MeasuredLoss,
        Top1 = point.Top1,
        Agreement = point.Agreement,
        MeasureValue = point.MeasureValue,
        Gap = point.Gap,
        Bits = [.. layers.Select(name => point.Allocation.GetValueOrDefault(name))],
    };

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

    /// <summary>A number of a table, which must be a whole one.</summary>
    private static long Number(RunFolder folder, string cell) =>
        long.TryParse(cell, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw new RunFolderException(
            folder.FolderPath, $"its tables have '{cell}' where a number is wanted; remove the folder and measure again");

    private static Curve Empty(RunDescription run) => new()
    {
        ImagesPath = run.ImagesPath,
        Images = run.ImageCount,
        ImagesSha256 = "",
        Activations = run.Activations,
        FloatBytes = 0,
    };

    /// <summary>A row of candidates.csv.</summary>
    private sealed record Row(string Layer, int Bits, long SizeBytes, int Index);
}
