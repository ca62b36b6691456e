using Clado.Curves;
using ScottPlot;
using static System.FormattableString;

namespace Clado.Reports;

/// <summary>Figures for papers: what the page shows, standing still.</summary>
internal static class Figures
{
    private const int Width = 720, Height = 440;

    /// <summary>Writes every figure that there are numbers for as SVG and as PNG. Shape: [files].</summary>
    public static IReadOnlyList<string> Write(ReportData data, string folder)
    {
        FigureFont.Use();
        var figures = new List<(string Name, Plot Plot)>();
        var own = data.Curve.Points.Where(p => p.Method == CurveMethod.Clado).ToArray();
        if (own.Length > 0)
        {
            var curve = new CurveFigures(data);
            figures.Add(("curve", curve.Curve()));
            if (curve.Gains() is { } gains)
            {
                figures.Add(("gains", gains));
            }
            figures.Add(("prediction", Prediction(data)));
            figures.Add(("bits", Bits(data, own)));
        }
        figures.Add(("sensitivity", Sensitivity(data)));
        figures.Add(("spectrum", Spectrum(data)));
        var files = new List<string>();
        foreach (var (name, plot) in figures)
        {
            files.AddRange([Path.Combine(folder, name + ".svg"), Path.Combine(folder, name + ".png")]);
            AtomicFile.WriteText(files[^2], plot.GetSvgXml(Width, Height));
            // Twice the points of the drawing: sharp in print.
            plot.ScaleFactor = 2;
            AtomicFile.Write(files[^1], stream => stream.Write(plot.GetImage(2 * Width, 2 * Height).GetImageBytes(ImageFormat.Png)));
        }
        return files;
    }

    private static Plot Prediction(ReportData data)
    {
        var plot = Empty("predicted loss increase", "measured loss increase");
        var shown = data.Curve.Points.Where(p => p is { PredictedLoss: > 0, MeasuredLoss: > 0 }).ToArray();
        foreach (var method in shown.GroupBy(p => p.Method).OrderByDescending(g => g.Key.Order()))
        {
            (double, double)[] points = [.. method.Select(p => (Math.Log10(p.PredictedLoss!.Value), Math.Log10(p.MeasuredLoss!.Value)))];
            Add(plot, method.Key, points, lines: false);
        }
        if (shown.Length > 0)
        {
            double from = shown.Min(p => Math.Log10(p.PredictedLoss!.Value)), to = shown.Max(p => Math.Log10(p.PredictedLoss!.Value));
            plot.Add.Line(from, from, to, to).LineStyle = new LineStyle(1, Colors.Gray, LinePattern.Dotted);
        }
        Logarithmic(plot.Axes.Bottom);
        Logarithmic(plot.Axes.Left);
        plot.ShowLegend(Alignment.LowerRight);
        return plot;
    }

    /// <summary>Bits of every layer over the sizes of the curve.</summary>
    private static Plot Bits(ReportData data, ReportPoint[] own)
    {
        var plot = Empty("size of the file, kB", "layer");
        var values = new double[data.Layers.Count, own.Length];
        for (int layer = 0; layer < data.Layers.Count; layer++)
        {
            for (int point = 0; point < own.Length; point++)
            {
                values[layer, point] = own[point].Bits[layer];
            }
        }
        var map = plot.Add.Heatmap(values);
        (map.Colormap, map.ManualRange) = (new WidthColors(), new ScottPlot.Range(WidthColors.Narrowest, WidthColors.Widest));
        foreach (int bits in own.SelectMany(point => point.Bits).Distinct().OrderDescending())
        {
            plot.Legend.ManualItems.Add(new LegendItem { LabelText = Invariant($"{bits} bits"), FillColor = WidthColors.Of(bits) });
        }
        plot.ShowLegend(Edge.Right);
        int every = Math.Max(1, own.Length / 8);
        int[] shown = [.. Enumerable.Range(0, own.Length).Where(i => i % every == 0)];
        plot.Axes.Bottom.SetTicks([.. shown.Select(i => (double)i)], [.. shown.Select(i => Invariant($"{own[i].SizeBytes / 1e3:0}"))]);
        Number(plot.Axes.Left, [.. data.Layers.Select((_, i) => new[] { i, i })], fromTop: true);
        plot.HideGrid();
        plot.Axes.SetLimits(-0.5, own.Length - 0.5, -0.5, data.Layers.Count - 0.5);
        return plot;
    }

    /// <summary>The map of the narrowest width; colours by the root, as on the page.</summary>
    private static Plot Sensitivity(ReportData data)
    {
        var plot = Empty("layer", "layer");
        int side = data.Heat.Blocks.Count;
        var values = new double[side, side];
        double most = Math.Max(data.Heat.Values[0].Max(Math.Abs), double.Epsilon);
        for (int i = 0; i < side; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double value = data.Heat.Values[0][(i * (i + 1) / 2) + j];
                values[i, j] = values[j, i] = Math.Sign(value) * Math.Sqrt(Math.Abs(value) / most);
            }
        }
        var map = plot.Add.Heatmap(values);
        map.Colormap = new ScottPlot.Colormaps.Balance();
        map.ManualRange = new ScottPlot.Range(-1, 1);
        Explain(plot, map, Invariant($"all at {data.Heat.Widths[0]} bits: ±√(|sensitivity| / {most:G3})"));
        Number(plot.Axes.Left, data.Heat.Blocks, fromTop: true);
        Number(plot.Axes.Bottom, data.Heat.Blocks, fromTop: false);
        plot.HideGrid();
        plot.Axes.SetLimits(-0.5, side - 0.5, -0.5, side - 0.5);
        return plot;
    }

    private static Plot Spectrum(ReportData data)
    {
        var plot = Empty("eigenvalue, largest first", "±√|eigenvalue|");
        double[] raw = [.. data.Spectrum.Reverse().Select(v => Math.Sign(v) * Math.Sqrt(Math.Abs(v)))];
        double[] index = [.. Enumerable.Range(1, raw.Length).Select(i => (double)i)];
        plot.Add.ScatterPoints(index, raw, Colors.Red).LegendText = "as measured";
        plot.Add.ScatterLine(index, [.. raw.Select(v => Math.Max(0, v))], Colors.Blue).LegendText = "projected";
        plot.ShowLegend(Alignment.UpperRight);
        return plot;
    }

    internal static Plot Empty(string across, string up)
    {
        var plot = new Plot();
        plot.XLabel(across);
        plot.YLabel(up);
        // The one font there may be is not a bold one.
        plot.Axes.Bottom.Label.Bold = plot.Axes.Left.Label.Bold = false;
        return plot;
    }

    internal static void Add(Plot plot, CurveMethod method, IReadOnlyList<(double X, double Y)> points, bool lines = true)
    {
        var scatter = plot.Add.Scatter(points.Select(p => p.X).ToArray(), points.Select(p => p.Y).ToArray());
        scatter.Color = ColorOf(method);
        (scatter.MarkerShape, scatter.MarkerSize) = method switch
        {
            CurveMethod.Clado => (MarkerShape.FilledCircle, 6),
            CurveMethod.Diagonal => (MarkerShape.OpenDiamond, 12),
            _ => (MarkerShape.FilledSquare, 6),
        };
        var info = method.Info();
        scatter.LegendText = info.Legend;
        scatter.LineWidth = lines && info.IsCurve ? 1.5f : 0;
    }

    /// <summary>The colour of a method's points.</summary>
    internal static Color ColorOf(CurveMethod method) => method switch
    {
        CurveMethod.Clado => Colors.Blue,
        CurveMethod.Diagonal => Colors.DarkOrange,
        _ => Colors.Gray,
    };

    private static void Explain(Plot plot, ScottPlot.Plottables.Heatmap map, string label)
    {
        var bar = plot.Add.ColorBar(map);
        bar.Label = label;
        bar.LabelStyle.Bold = false;
    }

    /// <summary>Numbers layers from 1 at the input, as many as there is room for; the input is on top or on the left.</summary>
    private static void Number(IAxis axis, IReadOnlyList<int[]> blocks, bool fromTop)
    {
        int every = Math.Max(1, (blocks.Count + 9) / 10);
        int[] shown = [.. Enumerable.Range(0, blocks.Count).Where(i => i % every == 0)];
        axis.SetTicks([.. shown.Select(i => (double)(fromTop ? blocks.Count - 1 - i : i))], [.. shown.Select(i => $"{blocks[i][0] + 1}")]);
    }

    private static void Logarithmic(IAxis axis) => axis.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic
    {
        IntegerTicksOnly = true,
        LabelFormatter = exponent => Invariant($"{Math.Pow(10, exponent):0.#########}"),
    };
}
