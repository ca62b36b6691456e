using System.Globalization;
using System.Text.Json;
using Clado.Activations;
using Clado.Candidates;
using Clado.Equalization;
using Clado.Images;
using Clado.Layers;
using Clado.Sensitivity;
using Clado.Sweeps;
using static System.FormattableString;

namespace Clado.Runs;

/// <summary>
/// A folder that holds everything a run has found. Measured parts are read back where they are there; a folder of another run is refused
/// with what differs named.
/// </summary>
internal sealed class RunFolder
{
    private RunFolder(string path, RunDescription description) => (FolderPath, Description) = (path, description);

    public string FolderPath { get; }

    public RunDescription Description { get; }

    /// <summary>Where finished units of measuring are recorded.</summary>
    public string RecordsPath => In("records.sqlite");

    /// <summary>Whether the sensitivities are all measured.</summary>
    public bool IsMeasured => File.Exists(In("sensitivity.safetensors"));

    /// <summary>Makes the folder, or opens it where it was made for the same run.</summary>
    /// <exception cref="RunFolderException">The folder is of another run; the message names what differs.</exception>
    public static RunFolder OpenOrCreate(string path, RunDescription description)
    {
        var file = Path.Combine(path, "run.json");
        if (!File.Exists(file))
        {
            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
            {
                throw new RunFolderException(path, "is not empty and no run folder (it has no run.json); give another folder with --run");
            }
            AtomicFile.WriteText(file, description.ToJson());
            return new RunFolder(path, description);
        }
        var there = Open(path);
        var differences = description.Differences(there.Description);
        return differences.Length == 0
            ? there
            : throw new RunFolderException(path, $"was measured otherwise: {string.Join("; ", differences)}; give another folder with --run, or the same options");
    }

    /// <summary>Opens a folder that is there.</summary>
    /// <exception cref="RunFolderException">The folder has no run in it.</exception>
    public static RunFolder Open(string path)
    {
        var file = Path.Combine(path, "run.json");
        if (!File.Exists(file))
        {
            throw new RunFolderException(path, "is no run folder (it has no run.json); make one with clado measure MODEL.onnx --images DIR --run " + path);
        }
        try
        {
            return new RunFolder(path, RunDescription.FromJson(File.ReadAllText(file)));
        }
        catch (JsonException e)
        {
            throw new RunFolderException(file, $"is no run description ({e.Message.Split('\n')[0]}); remove the folder and measure again", e);
        }
    }

    /// <summary>How the run's images become inputs.</summary>
    public Preprocessing Preprocessing => Preprocessing.FromJson(Description.Preprocessing, In("run.json"));

    /// <summary>The images of the run, as long as they lie where they lay.</summary>
    /// <exception cref="CladoException">They are not there, or are others.</exception>
    public ImageSet Images()
    {
        var images = ImageFolder.Open(Description.ImagesPath).Limit(Description.Limit, Description.Seed);
        return images.ComputeHash() == Description.ImagesSha256
            ? images
            : throw new RunFolderException(FolderPath, $"was measured on other images than lie in {Description.ImagesPath} now; put those back, or measure again");
    }

    public void WriteLayers(LayerSet layers)
    {
        AtomicFile.WriteText(In("layers.csv"), Csv.Of(
            ["name", "op", "weight", "shape", "parameters", "macs", "groups"],
            layers.Layers.Select(l => (string[])[l.Name, l.Op, l.Weight, string.Join('x', l.Shape.Select(d => Invariant($"{d}"))), $"{l.Parameters}", $"{l.Macs}", $"{l.Groups}"])));
        AtomicFile.WriteText(In("kept.csv"), Csv.Of(["name", "op", "reason"], layers.Kept.Select(k => (string[])[k.Name, k.Op, k.Reason])));
    }

    /// <summary>Rows of a table that is kept in the folder, its header left out; empty where it is not there. Shape: [rows][columns].</summary>
    public IReadOnlyList<string[]> ReadTable(string file) => File.Exists(In(file)) ? [.. Csv.Read(File.ReadAllText(In(file))).Skip(1)] : [];

    public void WriteScalings(IReadOnlyList<ChannelScaling> scalings) => AtomicFile.WriteText(In("equalization.json"), JsonSerializer.Serialize(scalings, JsonText.Compact) + "\n");

    /// <summary>How channels were scaled, or null where that is not written yet.</summary>
    public IReadOnlyList<ChannelScaling>? ReadScalings()
    {
        var path = In("equalization.json");
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<ChannelScaling[]>(File.ReadAllText(path), JsonText.Compact) : null;
        }
        catch (JsonException e)
        {
            throw new RunFolderException(path, $"is no list of scalings ({e.Message.Split('\n')[0]}); remove the folder and measure again", e);
        }
    }

    public void WriteRanges(ActivationRanges ranges) => AtomicFile.WriteText(In("ranges.json"), JsonSerializer.Serialize(ranges, JsonText.Compact) + "\n");

    /// <summary>The grids that activations are rounded to while measuring, or null where they are not, or not found yet.</summary>
    public ActivationRanges? ReadRanges() =>
        File.Exists(In("ranges.json")) ? Parsed(In("ranges.json"), "list of grids", text => JsonSerializer.Deserialize<ActivationRanges>(text, JsonText.Compact)) : null;

    public void WriteCandidates(CandidateSet candidates)
    {
        AtomicFile.WriteText(In("candidates.csv"), Csv.Of(
            ["layer", "bits", "sizeBytes", "squaredError"],
            candidates.Items.Select(c => (string[])[c.Layer.Name, $"{c.Bits}", $"{c.SizeBytes}", Invariant($"{c.SquaredError:R}")])));
        var file = new Safetensors();
        foreach (var candidate in candidates.Items)
        {
            file.Add($"{candidate.Layer.Name}/{candidate.Bits}/codes", candidate.Codes, [.. candidate.Layer.Shape]);
            file.Add($"{candidate.Layer.Name}/{candidate.Bits}/scales", candidate.Scales, candidate.Scales.Length);
            if (candidate.Bias is { } bias)
            {
                file.Add($"{candidate.Layer.Name}/{candidate.Bits}/bias", bias, bias.Length);
            }
            file.Metadata[$"{candidate.Layer.Name}/{candidate.Bits}"] = Invariant($"{candidate.SizeBytes} {candidate.SquaredError:R}");
        }
        file.Write(In("candidates.safetensors"));
    }

    /// <summary>The candidates as they were measured, or null where none are written yet.</summary>
    public CandidateSet? ReadCandidates(IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths)
    {
        var path = In("candidates.safetensors");
        if (!File.Exists(path))
        {
            return null;
        }
        var file = Safetensors.Read(path);
        try
        {
            return new CandidateSet(layers, [.. layers.Zip(widths).SelectMany(pair => pair.Second.Select(bits =>
            {
                var key = $"{pair.First.Name}/{bits}";
                var known = file.Metadata[key].Split(' ');
                return new Candidate
                {
                    Layer = pair.First,
                    Bits = bits,
                    Codes = file.Get<sbyte>(key + "/codes"),
                    Scales = file.Get<float>(key + "/scales"),
                    Bias = file.Has(key + "/bias") ? file.Get<float>(key + "/bias") : null,
                    SizeBytes = long.Parse(known[0], CultureInfo.InvariantCulture),
                    SquaredError = double.Parse(known[1], CultureInfo.InvariantCulture),
                };
            }))]);
        }
        catch (Exception e) when (e is KeyNotFoundException or FormatException or InvalidDataException or IndexOutOfRangeException)
        {
            throw new RunFolderException(path, $"does not fit the run ({e.Message}); remove the folder and measure again", e);
        }
    }

    public void WriteSensitivity(SensitivityMatrix matrix)
    {
        var file = new Safetensors();
        int n = matrix.CandidateCount;
        file.Add("raw", matrix.Raw, n, n);
        file.Add("standardErrors", matrix.StandardErrors, n, n);
        file.Add("projected", matrix.Projected, n, n);
        file.Add("eigenvalues", matrix.Eigenvalues, n);
        file.Metadata["estimator"] = matrix.Estimator;
        file.Metadata["loss"] = matrix.Loss;
        file.Metadata["baseLoss"] = matrix.BaseLoss.ToString("R", CultureInfo.InvariantCulture);
        file.Metadata["images"] = matrix.ImageCount.ToString(CultureInfo.InvariantCulture);
        file.Write(In("sensitivity.safetensors"));
    }

    public SensitivityMatrix ReadSensitivity()
    {
        var path = In("sensitivity.safetensors");
        if (!File.Exists(path))
        {
            throw new RunFolderException(FolderPath, $"its measurement is not finished; finish it with clado measure {Description.ModelPath} "
                + $"--images {Description.ImagesPath} --run {FolderPath} and the options it was begun with");
        }
        var file = Safetensors.Read(path);
        return new SensitivityMatrix
        {
            Estimator = file.Metadata["estimator"],
            Loss = file.Metadata["loss"],
            BaseLoss = double.Parse(file.Metadata["baseLoss"], CultureInfo.InvariantCulture),
            ImageCount = int.Parse(file.Metadata["images"], CultureInfo.InvariantCulture),
            Raw = file.Get<double>("raw"),
            StandardErrors = file.Get<double>("standardErrors"),
            Projected = file.Get<double>("projected"),
            Eigenvalues = file.Get<double>("eigenvalues"),
        };
    }

    /// <summary>The curve that is kept for the same images and rounds, or null.</summary>
    /// <exception cref="RunFolderException">The file is there and no curve.</exception>
    public Curve? ReadCurve(Curve like) => File.Exists(CurvePath(like)) ? ReadCurve(CurvePath(like)) : null;

    /// <summary>All curves that are kept, those of most points first, and of equally many those on most images.</summary>
    public IReadOnlyList<Curve> ReadCurves() =>
        [.. Directory.EnumerateFiles(FolderPath, "sweep-*.json").Order(StringComparer.Ordinal).Select(ReadCurve)
            .OrderByDescending(c => c.Of(CurveMethod.Clado).Count()).ThenByDescending(c => c.Images)];

    /// <summary>What was allocated budget by budget, as points of a curve on the run's images; those of infeasible budgets are not kept.</summary>
    /// <exception cref="RunFolderException">A file is no allocation.</exception>
    public IReadOnlyList<CurvePoint> ReadAllocations() =>
        [.. Directory.EnumerateFiles(FolderPath, "allocation-*.json").Order(StringComparer.Ordinal).Select(path => Parsed(path, "allocation", text =>
        {
            using var json = JsonDocument.Parse(text);
            var root = json.RootElement;
            double? Number(string name) => root.TryGetProperty(name, out var value) ? value.GetDouble() : null;
            return new CurvePoint
            {
                Method = CurveMethod.Clado,
                Budget = Path.GetFileNameWithoutExtension(path)["allocation-".Length..],
                BudgetBytes = (long?)Number("budgetBytes"),
                SizeBytes = root.GetProperty("sizeBytes").GetInt64(),
                BitsPerWeight = root.GetProperty("bitsPerWeight").GetDouble(),
                PredictedLoss = Number("predictedLoss"),
                MeasuredLoss = Number("measuredLoss"),
                Gap = Number("gap"),
                Allocation = root.GetProperty("layers").EnumerateArray().ToDictionary(l => l.GetProperty("name").GetString()!, l => l.GetProperty("bits").GetInt32()),
            };
        }))];

    public void WriteCurve(Curve curve) => AtomicFile.WriteText(CurvePath(curve), JsonSerializer.Serialize(curve, Curve.Json) + "\n");

    /// <summary>Writes a result's JSON under a name that may come from outside: a budget, a model.</summary>
    public void WriteJson(string stage, string name, string json)
    {
        var safe = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '%' ? c : '_'));
        AtomicFile.WriteText(In($"{stage}-{safe}.json"), json + "\n");
    }

    private static Curve ReadCurve(string path) =>
        Parsed(path, "curve", text => JsonSerializer.Deserialize<Curve>(text, Curve.Json) ?? throw new JsonException("empty"));

    private static T Parsed<T>(string path, string what, Func<string, T> parse)
    {
        try
        {
            return parse(File.ReadAllText(path));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new RunFolderException(path, $"is no {what} ({e.Message.Split('\n')[0]}); remove it and make it again", e);
        }
    }

    private string CurvePath(Curve curve) => In($"sweep-{curve.ImagesSha256[..8]}{(curve.Rounds is { } rounds ? $"-rounds{rounds}" : "")}-{curve.Activations}.json");

    private string In(string file) => Path.Combine(FolderPath, file);
}
