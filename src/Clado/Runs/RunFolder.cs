using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Clado.Activations;
using Clado.Candidates;
using Clado.Equalization;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Sweeps;
using static System.FormattableString;

namespace Clado.Runs;

/// <summary>
/// A folder that holds everything a run has found. Measured parts are read back where they are there; a folder of another run is refused
/// with what differs named. What is damaged is made again by whoever measures, and refused to everybody else.
/// </summary>
internal sealed class RunFolder
{
    private const string Candidates = "candidates.safetensors", Sensitivity = "sensitivity.safetensors";

    private const int LongestName = 100;

    private readonly RunFiles files;

    private RunFolder(RunFiles files) => this.files = files;

    public string FolderPath => files.FolderPath;

    public RunDescription Description => files.Description;

    /// <summary>Whether nothing of the run is in the folder yet; it is made by the first thing that is.</summary>
    public bool IsNew => files.IsNew;

    /// <summary>Whether the sensitivities are all measured.</summary>
    public bool IsMeasured => FindSensitivity() is not null;

    /// <summary>Opens the folder of a run that goes on, or one that the run will make; what is damaged in it is made again.</summary>
    /// <param name="path">Path of the folder.</param>
    /// <param name="description">The run.</param>
    /// <param name="notice">Is told of what is damaged.</param>
    /// <exception cref="RunFolderException">The folder is of another run, and the message names what differs; or it cannot be told whose it is.</exception>
    public static RunFolder OpenOrCreate(string path, RunDescription description, Action<string>? notice = null) => new(RunFiles.OpenOrCreate(path, description, notice));

    /// <summary>Opens a folder that is there; what is damaged in it is refused.</summary>
    /// <param name="path">Path of the folder.</param>
    /// <param name="notice">Is told of what is measured in vain, and of records that are measured again.</param>
    /// <exception cref="RunFolderException">The folder has no run in it.</exception>
    public static RunFolder Open(string path, Action<string>? notice = null) => new(RunFiles.Open(path, notice));

    /// <summary>How the run's images become inputs.</summary>
    public Preprocessing Preprocessing => Preprocessing.FromJson(Description.Preprocessing, files.In(RunFiles.RunFile));

    /// <summary>Path of the run's model.</summary>
    /// <exception cref="RunFolderException">It is not there.</exception>
    public string ModelPath => File.Exists(Description.ModelPath) ? Description.ModelPath : throw files.NotThere("model", Description.ModelPath);

    /// <summary>The images of the run, as long as they lie where they lay.</summary>
    /// <exception cref="CladoException">They are not there, or are others.</exception>
    public ImageSet Images()
    {
        if (!Directory.Exists(Description.ImagesPath))
        {
            throw files.NotThere("images", Description.ImagesPath);
        }
        var images = ImageFolder.Open(Description.ImagesPath).Limit(Description.Limit, Description.Seed);
        return images.Sha256 == Description.ImagesSha256
            ? images
            : throw new RunFolderException(FolderPath, $"was measured on other images than lie in {Description.ImagesPath} now; put those back, or measure again");
    }

    /// <inheritdoc cref="RunFiles.OpenRecords"/>
    public RecordStore OpenRecords(bool mustKeep) => files.OpenRecords(mustKeep);

    /// <inheritdoc cref="RunFiles.CheckRecords"/>
    public void CheckRecords() => files.CheckRecords();

    public void WriteLayers(LayerSet layers)
    {
        files.Make("layers.csv", () => Csv.Of(
            ["name", "op", "weight", "shape", "parameters", "macs", "groups"],
            layers.Layers.Select(l => (string[])[l.Name, l.Op, l.Weight, string.Join('x', l.Shape.Select(d => Invariant($"{d}"))), $"{l.Parameters}", $"{l.Macs}", $"{l.Groups}"])));
        files.Make("kept.csv", () => Csv.Of(["name", "op", "reason"], layers.Kept.Select(k => (string[])[k.Name, k.Op, k.Reason])));
    }

    /// <summary>Rows of a table that is kept in the folder, its header left out. Shape: [rows][columns].</summary>
    /// <param name="file">Name of the file.</param>
    /// <param name="columns">Columns that every row must have.</param>
    /// <exception cref="RunFolderException">It is not there, or no such table.</exception>
    public IReadOnlyList<string[]> ReadTable(string file, int columns) => files.Read(file, "table", stream =>
    {
        using var reader = new StreamReader(stream);
        string[][] rows = [.. Csv.Read(reader.ReadToEnd()).Skip(1)];
        return rows.All(row => row.Length == columns) ? rows : throw new InvalidDataException($"a row that has not {columns} cells");
    }) ?? throw files.Missing(file);

    public void WriteScalings(IReadOnlyList<ChannelScaling> scalings) => files.Write("equalization.json", JsonSerializer.Serialize(scalings, JsonText.Compact) + "\n");

    /// <summary>How channels were scaled, or null where that is not written yet, or not done in this run.</summary>
    public IReadOnlyList<ChannelScaling>? ReadScalings()
    {
        if (!Description.Equalize)
        {
            return null;
        }
        var read = files.Read("equalization.json", "list of scalings", stream =>
        {
            var scalings = JsonSerializer.Deserialize<ChannelScaling[]>(stream, JsonText.Compact) ?? [];
            return scalings.All(s => s is not null && s.Consumers.All(c => c is not null) && s.Factors.All(f => float.IsFinite(f) && f > 0))
                && scalings.DistinctBy(s => s.Tensor).Count() == scalings.Length
                ? scalings
                : throw new JsonException("a scaling that is none, twice of one tensor, or with a factor that is not above 0");
        });
        return read ?? (files.Measures ? null : throw files.Missing("equalization.json"));
    }

    public void WriteRanges(ActivationRanges ranges) => files.Write("ranges.json", JsonSerializer.Serialize(ranges, JsonText.Compact) + "\n");

    /// <summary>The grids that activations are rounded to while measuring, or null where they are not, or not found yet.</summary>
    /// <param name="count">Number of grids.</param>
    public ActivationRanges? ReadRanges(int count)
    {
        if (Description.MeasuredActivations == "float")
        {
            return null;
        }
        var read = files.Read("ranges.json", "list of grids", stream =>
        {
            var ranges = JsonSerializer.Deserialize<ActivationRanges>(stream, JsonText.Compact) ?? throw new JsonException("empty");
            return ranges.Scales.Count == count && ranges.ZeroPoints.Count == count && ranges.Scales.All(s => float.IsFinite(s) && s > 0)
                ? ranges
                : throw new JsonException($"not {count} grids with scales above 0");
        });
        return read ?? (files.Measures ? null : throw files.Missing("ranges.json"));
    }

    public void WriteScales(IReadOnlyList<OutputScale> scales) => files.Write("scales.json", JsonSerializer.Serialize(scales, JsonText.Compact) + "\n");

    /// <summary>The units of the outputs, or null where the loss needs none, or they are not found yet. Shape: [outputs].</summary>
    public IReadOnlyList<OutputScale>? ReadScales()
    {
        var read = files.Read("scales.json", "list of scales", stream =>
        {
            var scales = JsonSerializer.Deserialize<OutputScale[]>(stream, JsonText.Compact) ?? [];
            return scales.All(scale => scale is not null && scale.IsConsistent)
                ? scales
                : throw new JsonException("a scale that does not fit its output, or with a variance that is not above 0");
        });
        return read ?? (files.Measures || FindSensitivity() is not { } found || !LossKind.Named(found.Loss).NeedsScales ? null : throw files.Missing("scales.json"));
    }

    public void WriteCandidates(CandidateSet candidates)
    {
        WriteCandidateTable(candidates);
        files.Write(Candidates, CandidateFile.Of(candidates).Write);
    }

    /// <summary>The candidates as they were measured, or null where none are written yet.</summary>
    public CandidateSet? ReadCandidates(IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths)
    {
        var candidates = files.Read(Candidates, "set of candidates of this run", stream => CandidateFile.Read(stream, layers, widths));
        if (files.Measures && candidates is not null)
        {
            files.Make("candidates.csv", () => Table(candidates));
        }
        return candidates;
    }

    public void WriteSensitivity(SensitivityMatrix matrix) => files.Write(Sensitivity, SensitivityFile.Of(matrix).Write);

    /// <summary>The matrix of a finished measurement.</summary>
    /// <exception cref="RunFolderException">It is not finished, or damaged.</exception>
    public SensitivityMatrix ReadSensitivity() => FindSensitivity() ?? throw new RunFolderException(
        FolderPath, $"its measurement is not finished; finish it with {files.MeasureCommand} and the options it was begun with");

    /// <summary>The curve that is kept for the same images, rounds and kind of files, or null.</summary>
    /// <exception cref="RunFolderException">The file is there and no curve.</exception>
    public Curve? ReadCurve(Curve like) =>
        ReadCurve(NameOf(like)) is { } curve
            && (curve.ImagesSha256, curve.Rounds, curve.Activations) == (like.ImagesSha256, like.Rounds, like.Activations) ? curve : null;

    /// <summary>All curves that are kept, those of most points first, and of equally many those on most images.</summary>
    public IReadOnlyList<Curve> ReadCurves() =>
        [.. files.Names("sweep-*.json").Select(ReadCurve).OfType<Curve>().OrderByDescending(c => c.Of(CurveMethod.Clado).Count()).ThenByDescending(c => c.Images)];

    /// <summary>
    /// What was allocated budget by budget, as points of a curve on the run's images; of choices for several kinds of files, those of the kind there is most of.
    /// Those of infeasible budgets are not kept.
    /// </summary>
    /// <exception cref="RunFolderException">A file is no allocation.</exception>
    public IReadOnlyList<CurvePoint> ReadAllocations()
    {
        const string Stage = "allocation-";
        var read = files.Names(Stage + "*.json").Select(file => files.Read(
            file, "allocation", stream => AllocationFile.Read(stream, Path.GetFileNameWithoutExtension(file)[Stage.Length..])));
        var kinds = read.OfType<AllocationFile>().GroupBy(a => a.WrittenAs).OrderByDescending(kind => kind.Count());
        return [.. kinds.FirstOrDefault()?.Select(a => a.Point) ?? []];
    }

    public void WriteCurve(Curve curve) => files.Keep(NameOf(curve), JsonSerializer.Serialize(curve, Curve.Json) + "\n");

    /// <summary>Writes a result's JSON under a name that may come from outside: a budget, a model.</summary>
    public void WriteJson(string stage, string name, string json) => files.Keep($"{stage}-{FileNameOf(name)}.json", json + "\n");

    /// <summary>Writes a page about the run.</summary>
    /// <returns>Its path.</returns>
    public string WritePage(string html)
    {
        files.Write("report.html", html);
        return files.In("report.html");
    }

    private SensitivityMatrix? FindSensitivity() => files.Read(Sensitivity, "sensitivity matrix", SensitivityFile.Read);

    private Curve? ReadCurve(string name) => files.Read(name, "curve", stream =>
    {
        var curve = JsonSerializer.Deserialize<Curve>(stream, Curve.Json) ?? throw new JsonException("empty");
        return curve.Images < 1 || curve.Points.Any(p => p is null) ? throw new JsonException("no images, or a point that is none")
            : curve with { Points = [.. curve.Points.Select(p => p.Checked())] };
    });

    private void WriteCandidateTable(CandidateSet candidates) => files.Write("candidates.csv", Table(candidates));

    private static string Table(CandidateSet candidates) => Csv.Of(
        ["layer", "bits", "sizeBytes", "squaredError"],
        candidates.Items.Select(c => (string[])[c.Layer.Name, $"{c.Bits}", $"{c.SizeBytes}", c.SquaredError.ToString("R", CultureInfo.InvariantCulture)]));

    private static string NameOf(Curve curve) =>
        $"sweep-{curve.ImagesSha256[..8]}{(curve.Rounds is { } rounds ? string.Create(CultureInfo.InvariantCulture, $"-rounds{rounds}") : "")}-{curve.Activations}.json";

    /// <summary>A name that every file system takes; where something of it is lost, digits tell it from others that would look the same.</summary>
    private static string FileNameOf(string name)
    {
        var safe = string.Concat(name.Take(LongestName).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '%' ? c : '_'));
        return safe == name ? name : $"{safe}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8]}";
    }
}
