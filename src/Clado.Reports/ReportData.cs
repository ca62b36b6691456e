namespace Clado.Reports;

/// <summary>The numbers of a report: what the page draws, and what the figures show.</summary>
internal sealed record ReportData
{
    /// <summary>Name of the model.</summary>
    public required string Title { get; init; }

    /// <summary>The layers from input to output. Shape: [layers].</summary>
    public required IReadOnlyList<ReportLayer> Layers { get; init; }

    /// <summary>Stretches of the network: its residual or transformer blocks, and what lies between them. Shape: [blocks].</summary>
    public required IReadOnlyList<ReportBlock> Blocks { get; init; }

    /// <summary>Widths that were searched, ascending. Shape: [widths].</summary>
    public required IReadOnlyList<int> Widths { get; init; }

    /// <summary>Loss that was measured: kl, ce, mse or cosine.</summary>
    public required string Loss { get; init; }

    /// <summary>Estimator that measured the matrix.</summary>
    public required string Estimator { get; init; }

    /// <summary>Images the matrix was measured on.</summary>
    public required int SensitivityImages { get; init; }

    /// <summary>The size–accuracy curve; without points where nothing was allocated yet.</summary>
    public required ReportCurve Curve { get; init; }

    /// <summary>Metrics side by side; null where none were compared.</summary>
    public ReportComparison? Comparison { get; init; }

    /// <summary>The matrix, a value a pair of layers.</summary>
    public required HeatMap Heat { get; init; }

    /// <summary>Eigenvalues of the matrix as measured, ascending. Shape: [candidates].</summary>
    public required IReadOnlyList<double> Spectrum { get; init; }

    /// <summary>What stayed float. Shape: [kept].</summary>
    public required IReadOnlyList<Layers.KeptOperation> Kept { get; init; }

    /// <summary>Versions and options of the run. Shape: [options].</summary>
    public required IReadOnlyList<ReportOption> Options { get; init; }

    /// <summary>Commands that give the same run again. Shape: [commands].</summary>
    public required IReadOnlyList<string> Commands { get; init; }
}

/// <summary>Neighbouring layers that belong together.</summary>
/// <param name="Name">What they are called.</param>
/// <param name="First">The first of them.</param>
/// <param name="Last">The last of them.</param>
internal sealed record ReportBlock(string Name, int First, int Last);

/// <summary>A layer.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Short">The same, as short as it tells layers apart.</param>
/// <param name="Op">Its operator.</param>
/// <param name="Shape">Dimensions of the weight. Shape: [rank].</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Macs">Multiply–accumulates an image.</param>
/// <param name="Sizes">Bytes in the file by width.</param>
/// <param name="Losses">Loss increase of this layer alone by width.</param>
internal sealed record ReportLayer(
    string Name,
    string Short,
    string Op,
    IReadOnlyList<long> Shape,
    long Parameters,
    long Macs,
    IReadOnlyDictionary<int, long> Sizes,
    IReadOnlyDictionary<int, double> Losses)
{
    /// <summary>
    /// Error of the weights by width: root mean square over that of the weights themselves. Empty where that is not known.
    /// </summary>
    public IReadOnlyDictionary<int, double> Errors { get; init; } = new Dictionary<int, double>();

    /// <summary>How the weights lie on the grid of each width; empty where that is not known. Shape: [widths].</summary>
    public IReadOnlyList<Candidates.WidthProfile> Grids { get; init; } = [];
}

/// <summary>The curve.</summary>
/// <param name="Images">Images it was evaluated on.</param>
/// <param name="AreRuns">Whether these are the images that its bits were chosen on.</param>
/// <param name="FloatBytes">Bytes of the float file, or null where that is not known.</param>
/// <param name="FloatTop1">Top-1 of the float network, or null. Range: [0, 1].</param>
/// <param name="Measure">Where the network is no classifier, the measure of what it is for, or null.</param>
/// <param name="Points">By size. Shape: [points].</param>
internal sealed record ReportCurve(
    int Images, bool AreRuns, long? FloatBytes, double? FloatTop1, ReportMeasure? Measure, IReadOnlyList<ReportPoint> Points)
{
    /// <summary>What the run chose last; null where nothing was allocated.</summary>
    public ReportChosen? Chosen { get; init; }
}

/// <summary>What the run chose last.</summary>
/// <param name="Budget">The budget it was chosen for.</param>
/// <param name="SizeBytes">Bytes of the file.</param>
/// <param name="Output">Name of the file that was written; null where none was.</param>
internal sealed record ReportChosen(string Budget, long SizeBytes, string? Output);

/// <summary>The measure of what a network is for.</summary>
/// <param name="Title">What it is called.</param>
/// <param name="IsError">Whether it is 0 where nothing is lost; else 1.</param>
internal sealed record ReportMeasure(string Title, bool IsError);

/// <summary>A point of the curve; see <see cref="Curves.CurvePoint"/>.</summary>
internal sealed record ReportPoint
{
    /// <summary>How its bits were chosen.</summary>
    public required Curves.CurveMethod Method { get; init; }

    /// <summary>The budget.</summary>
    public required string Budget { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Mean bits over the quantized weights.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Predicted loss increase.</summary>
    public double? PredictedLoss { get; init; }

    /// <summary>Measured loss increase.</summary>
    public double? MeasuredLoss { get; init; }

    /// <summary>Standard error of the measured loss increase.</summary>
    public double? MeasuredLossError { get; init; }

    /// <summary>What its top-1 is above the float network's: mean and standard error.</summary>
    public double[]? Top1Gain { get; init; }

    /// <summary>What it gains over others of the curve; null where that is not known. Shape: [others].</summary>
    public IReadOnlyList<ReportGain>? Gains { get; init; }

    /// <summary>Share of images classified as labelled. Range: [0, 1].</summary>
    public double? Top1 { get; init; }

    /// <summary>Share of images classified as the float network does. Range: [0, 1].</summary>
    public double? Agreement { get; init; }

    /// <summary>Value of the task's measure.</summary>
    public double? MeasureValue { get; init; }

    /// <summary>How far it may be above the optimum.</summary>
    public double? Gap { get; init; }

    /// <summary>Bits of the layers. Shape: [layers].</summary>
    public required IReadOnlyList<int> Bits { get; init; }

    /// <summary>Shares of widths of layers whose rows have several, by the layer's position; null where none have.</summary>
    public IReadOnlyDictionary<int, IReadOnlyDictionary<int, double>>? Shares { get; init; }
}

/// <summary>What a point gains over another: each with its standard error behind it. Shapes: [2].</summary>
/// <param name="Method">How the other's bits were chosen.</param>
/// <param name="Point">Position of the other among the points.</param>
/// <param name="Loss">What it loses less.</param>
/// <param name="Top1">By which share of the images its top-1 is higher; null without labels.</param>
/// <param name="Agreement">By which share its agreement with the float network is higher; null of no classifier.</param>
internal sealed record ReportGain(Curves.CurveMethod Method, int Point, double[] Loss, double[]? Top1, double[]? Agreement);

/// <summary>A version or an option of the run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value.</param>
internal sealed record ReportOption(string Name, string Value);
