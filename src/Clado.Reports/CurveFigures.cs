using Clado.Curves;
using ScottPlot;
using ScottPlot.TickGenerators;
using static System.FormattableString;

namespace Clado.Reports;

/// <summary>Figures of the curve: the measure of what the network is for over size, and what Clado's choices gain in it.</summary>
internal sealed class CurveFigures
{
    // Labels as far apart as they are easy to read.
    private const double LabelDensity = 0.6;

    private readonly ReportData data;
    private readonly string title;
    private readonly Func<ReportPoint, (double? Value, double? Error)> valueOf;
    private readonly Func<ReportGain, double[]?> gainOf;

    /// <summary>Chooses what is drawn: top-1 where there are labels, else agreement, the task's own measure, or the loss.</summary>
    /// <param name="data">The report.</param>
    public CurveFigures(ReportData data)
    {
        this.data = data;
        int images = data.Curve.Images;
        (double?, double?) Share(double? share) =>
            (100 * share, share is { } p && images > 0 ? 100 * Math.Sqrt(p * (1 - p) / images) : null);
        var own = data.Curve.Points.Where(p => p.Method == CurveMethod.Clado);
        (title, valueOf, gainOf) = own.Any(p => p.Top1 is not null) ? ("top-1, %", p => Share(p.Top1), gain => Points(gain.Top1))
            : own.Any(p => p.Agreement is not null)
                ? ("agreement with FP32, %", p => Share(p.Agreement), gain => Points(gain.Agreement))
            : data.Curve.Measure is { } measure
                ? ($"{measure.Title}, %", p => (100 * p.MeasureValue, null), _ => null)
            : ((string, Func<ReportPoint, (double?, double?)>, Func<ReportGain, double[]?>))
                ("measured loss increase", p => (p.MeasuredLoss, p.MeasuredLossError), gain => gain.Loss);
    }

    /// <summary>The curve, with standard errors.</summary>
    public Plot Curve()
    {
        var plot = Figures.Empty("size of the file, kB", title);
        foreach (var method in data.Curve.Points.GroupBy(p => p.Method).OrderByDescending(g => g.Key.Order()))
        {
            var shown = method.Where(p => valueOf(p).Value is not null).ToArray();
            Errors(plot, method.Key, [.. shown.Select(p => (p.SizeBytes / 1e3, valueOf(p).Value!.Value, valueOf(p).Error ?? 0))]);
            Figures.Add(plot, method.Key, [.. shown.Select(p => (p.SizeBytes / 1e3, valueOf(p).Value!.Value))]);
        }
        if (title.StartsWith("top-1", StringComparison.Ordinal) && data.Curve.FloatTop1 is { } top1)
        {
            plot.Add.HorizontalLine(100 * top1, 1, Colors.Green, LinePattern.Dashed).LegendText = "FP32";
        }
        Ticks(plot);
        plot.ShowLegend(Alignment.LowerRight);
        return plot;
    }

    /// <summary>
    /// What Clado's choices gain over the diagonal choice of the same budget, and over the uniform network next above in size, image by
    /// image; null where that is not known.
    /// </summary>
    public Plot? Gains()
    {
        var marks = data.Curve.Points.SelectMany(own => (own.Gains ?? []).Select(gain => (Own: own, Gain: gain, Values: gainOf(gain))))
            .Where(mark => mark.Values is not null && mark.Gain.Method != CurveMethod.Clado
                && data.Curve.Points[mark.Gain.Point].SizeBytes >= mark.Own.SizeBytes * (mark.Gain.Method == CurveMethod.Uniform ? 1 : 0))
            .ToArray();
        if (marks.Length == 0)
        {
            return null;
        }
        var plot = Figures.Empty("size of the file, kB", $"gained: {title.Replace("%", "points", StringComparison.Ordinal)}");
        plot.Add.HorizontalLine(0, 1, Colors.Black);
        foreach (var method in marks.GroupBy(mark => mark.Gain.Method).OrderByDescending(g => g.Key.Order()))
        {
            Errors(plot, method.Key, [.. method.Select(mark => (mark.Own.SizeBytes / 1e3, mark.Values![0], mark.Values[1]))]);
            Figures.Add(plot, method.Key, [.. method.Select(mark => (mark.Own.SizeBytes / 1e3, mark.Values![0]))], lines: false);
        }
        Ticks(plot);
        plot.ShowLegend(Alignment.UpperRight);
        return plot;
    }

    private static double[]? Points(double[]? gain) => gain is null ? null : [.. gain.Select(share => 100 * share)];

    private static void Errors(Plot plot, CurveMethod method, IReadOnlyList<(double X, double Y, double Error)> points)
    {
        if (points.Any(point => point.Error > 0))
        {
            var bars = plot.Add.ErrorBar(
                [.. points.Select(p => p.X)], [.. points.Select(p => p.Y)], [.. points.Select(p => p.Error)]);
            bars.Color = Figures.ColorOf(method);
        }
    }

    private static void Ticks(Plot plot)
    {
        foreach (var axis in (IAxis[])[plot.Axes.Left, plot.Axes.Bottom])
        {
            axis.TickGenerator = new NumericAutomatic
            {
                TickDensity = LabelDensity,
                LabelFormatter = value => Invariant($"{value:0.####}"),
            };
        }
    }
}
