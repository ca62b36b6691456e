using System.Globalization;
using Clado.Layers;
using Clado.Records;
using Clado.Runs;
using Clado.Sweeps;

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
        var candidates = folder.ReadTable("candidates.csv", 4).Select((cells, row) =>
            (Layer: cells[0], Bits: (int)Number(folder, cells[1]), SizeBytes: Number(folder, cells[2]), Row: row)).ToArray();
        var byLayer = candidates.ToLookup(c => c.Layer);
        var layers = folder.ReadTable("layers.csv", 7);
        if (candidates.Length != matrix.CandidateCount || layers.Count == 0 || layers.Any(l => !byLayer.Contains(l[0])) || layers.DistinctBy(l => l[0]).Count() != layers.Count
            || candidates.Any(c => c.Bits is < 2 or > 8) || candidates.DistinctBy(c => (c.Layer, c.Bits)).Count() != candidates.Length)
        {
            throw new RunFolderException(folder.FolderPath, "its layers.csv, candidates.csv and sensitivity.safetensors do not fit each other; remove the folder and measure again");
        }
        int[] widths = [.. candidates.Select(c => c.Bits).Distinct().Order()];
        // A layer that does not have a width (a pin) stands in the map of that width with the nearest it has, as in a uniform network.
        int[][] rows = [.. widths.Select(bits => layers.Select(l => byLayer[l[0]].OrderBy(c => Math.Abs(c.Bits - bits)).ThenByDescending(c => c.Bits).First().Row).ToArray())];
        var curve = CurveOf(folder);
        string[] names = [.. layers.Select(l => l[0])];
        return new ReportData
        {
            Title = Path.GetFileNameWithoutExtension(run.ModelPath),
            Layers = [.. layers.Select(l => new ReportLayer(
                l[0], l[1], [.. l[3].Split('x').Select(dim => Number(folder, dim))], Number(folder, l[4]), Number(folder, l[5]),
                byLayer[l[0]].ToDictionary(c => c.Bits, c => c.SizeBytes), byLayer[l[0]].ToDictionary(c => c.Bits, c => HeatMap.Rounded(matrix.LossIncrease(c.Row)))))],
            Widths = widths,
            Loss = matrix.Loss,
            Estimator = run.Estimator == matrix.Estimator ? run.Estimator : $"{run.Estimator} (matrix: {matrix.Estimator})",
            SensitivityImages = matrix.ImageCount,
            Curve = new ReportCurve(curve.Images, curve.FloatBytes > 0 ? curve.FloatBytes : null, curve.FloatTop1, [.. curve.Points.Select(p => new ReportPoint(
                p.Method, p.SizeBytes, p.BitsPerWeight, p.PredictedLoss, p.MeasuredLoss, p.Top1, p.Agreement, p.Gap, [.. names.Select(name => p.Allocation.GetValueOrDefault(name))]))]),
            Heat = HeatMap.Of(matrix.Raw, matrix.CandidateCount, rows, widths),
            Spectrum = [.. matrix.Eigenvalues.Select(HeatMap.Rounded)],
            Kept = [.. folder.ReadTable("kept.csv", 3).Select(k => new KeptOperation(k[0], k[1], k[2]))],
            Options = Reproduction.Options(run, folder.ReadScales()),
            Commands = Reproduction.Commands(run, folder.FolderPath, curve.Points.Count > 0 && curve.ImagesSha256.Length > 0 ? curve : null),
        };
    }

    /// <summary>The sweep with most points; where there is none, what was allocated budget by budget, measured on the run's images.</summary>
    private static Curve CurveOf(RunFolder folder)
    {
        var swept = folder.ReadCurves();
        return swept.FirstOrDefault(c => c.Of(CurveMethod.Clado).Any())
            ?? (swept.FirstOrDefault(c => c.ImagesSha256 == folder.Description.ImagesSha256) ?? Empty(folder.Description)).With(folder.ReadAllocations());
    }

    /// <summary>A number of a table, which must be a whole one.</summary>
    private static long Number(RunFolder folder, string cell) => long.TryParse(cell, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
        ? number
        : throw new RunFolderException(folder.FolderPath, $"its tables have '{cell}' where a number is wanted; remove the folder and measure again");

    private static Curve Empty(RunDescription run) => new() { ImagesPath = run.ImagesPath, Images = run.ImageCount, ImagesSha256 = "", Activations = run.Activations, FloatBytes = 0 };
}
