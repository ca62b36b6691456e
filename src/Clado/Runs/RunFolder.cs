using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Clado.Activations;
using Clado.Candidates;
using Clado.Equalization;
using Clado.Images;
using Clado.Layers;
using Clado.Sensitivity;
using Clado.Sweeps;

namespace Clado.Runs;

/// <summary>
/// A folder that holds everything a run has found. Measured parts are read back where they are there; a folder of another run is refused
/// with what differs named. What is damaged is made again by whoever measures, and refused to everybody else.
/// </summary>
internal sealed class RunFolder
{
    private const string RunFile = "run.json", Candidates = "candidates.safetensors", Sensitivity = "sensitivity.safetensors";

    private const int LongestName = 100;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = false,
    };

    private readonly CheckedFolder files;
    private readonly string owner;
    private readonly Action<string>? notice;
    private readonly bool measures;
    private bool isClaimed;
    private bool readOnlySaid;

    private RunFolder(CheckedFolder files, RunDescription description, Action<string>? notice, bool measures, bool isClaimed)
    {
        (this.files, Description, this.notice, this.measures, this.isClaimed) = (files, description, notice, measures, isClaimed);
        owner = description.Fingerprint();
    }

    public string FolderPath => files.FolderPath;

    public RunDescription Description { get; }

    /// <summary>Whether nothing of the run is in the folder yet; it is made by the first thing that is.</summary>
    public bool IsNew => !isClaimed;

    /// <summary>Whether the sensitivities are all measured.</summary>
    public bool IsMeasured => FindSensitivity() is not null;

    /// <summary>Opens the folder of a run that goes on, or one that the run will make; what is damaged in it is made again.</summary>
    /// <param name="path">Path of the folder.</param>
    /// <param name="description">The run.</param>
    /// <param name="notice">Is told of what is damaged.</param>
    /// <exception cref="RunFolderException">The folder is of another run, and the message names what differs; or it cannot be told whose it is.</exception>
    public static RunFolder OpenOrCreate(string path, RunDescription description, Action<string>? notice = null)
    {
        var files = new CheckedFolder(path);
        // A kill may leave the sum of a description that never came; where there is nothing else, nothing is lost.
        if (!files.HasStrangers)
        {
            return new RunFolder(files, description, notice, measures: true, isClaimed: false);
        }
        if (!files.Has(RunFile) && !files.HasSums)
        {
            throw new RunFolderException(path, $"is not empty and no run folder (it has no {RunFile}); give another folder with --run");
        }
        if (ReadDescription(files, description, notice) is not { } there)
        {
            var again = new RunFolder(files, description, notice, measures: true, isClaimed: true);
            again.Keep(RunFile, description.ToJson());
            return again;
        }
        var differences = description.Differences(there);
        if (differences.Length > 0)
        {
            throw new RunFolderException(path, $"was measured otherwise: {string.Join("; ", differences)}; give another folder with --run, or the same options");
        }
        // The same model and images, which may lie elsewhere now.
        var moved = there with { ModelPath = description.ModelPath, ImagesPath = description.ImagesPath, Limit = description.Limit, Seed = description.Seed };
        var folder = new RunFolder(files, moved, notice, measures: true, isClaimed: true);
        if (moved.ToJson() != there.ToJson())
        {
            folder.Keep(RunFile, moved.ToJson());
        }
        return folder;
    }

    /// <summary>Opens a folder that is there; what is damaged in it is refused.</summary>
    /// <param name="path">Path of the folder.</param>
    /// <param name="notice">Is told of what is measured in vain, and of records that are measured again.</param>
    /// <exception cref="RunFolderException">The folder has no run in it.</exception>
    public static RunFolder Open(string path, Action<string>? notice = null)
    {
        var files = new CheckedFolder(path);
        if (!files.Has(RunFile))
        {
            throw files.HasSums
                ? new RunFolderException(files.In(RunFile), "is missing; clado measure, with the options the folder was made with, writes it again")
                : new RunFolderException(path, $"is no run folder (it has no {RunFile}); make one with clado measure MODEL.onnx --images DIR --run {path}");
        }
        return new RunFolder(files, ReadDescription(files, null, null)!, notice, measures: false, isClaimed: true);
    }

    /// <summary>How the run's images become inputs.</summary>
    public Preprocessing Preprocessing => Preprocessing.FromJson(Description.Preprocessing, files.In(RunFile));

    /// <summary>Path of the run's model.</summary>
    /// <exception cref="RunFolderException">It is not there.</exception>
    public string ModelPath => File.Exists(Description.ModelPath) ? Description.ModelPath : throw NotThere("model", Description.ModelPath);

    /// <summary>The images of the run, as long as they lie where they lay.</summary>
    /// <exception cref="CladoException">They are not there, or are others.</exception>
    public ImageSet Images()
    {
        if (!Directory.Exists(Description.ImagesPath))
        {
            throw NotThere("images", Description.ImagesPath);
        }
        var images = ImageFolder.Open(Description.ImagesPath).Limit(Description.Limit, Description.Seed);
        return images.ComputeHash() == Description.ImagesSha256
            ? images
            : throw new RunFolderException(FolderPath, $"was measured on other images than lie in {Description.ImagesPath} now; put those back, or measure again");
    }

    /// <summary>Opens the records of finished units of measuring.</summary>
    /// <param name="mustKeep">Whether it makes no sense to go on where nothing can be recorded.</param>
    /// <exception cref="CladoException">They cannot be opened.</exception>
    public RecordStore OpenRecords(bool mustKeep)
    {
        if (IsNew)
        {
            Claim();
        }
        var records = new RecordStore(files.In("records.sqlite"), owner, repairs: measures, notice);
        if (records.IsReadOnly && mustKeep)
        {
            records.Dispose();
            throw new ReadOnlyFolderException(FolderPath);
        }
        if (records.IsReadOnly)
        {
            SayReadOnly();
        }
        return records;
    }

    /// <summary>Makes again what of the records is damaged, where that can be seen without using them.</summary>
    public void CheckRecords()
    {
        if (files.Has("records.sqlite"))
        {
            OpenRecords(mustKeep: false).Dispose();
        }
    }

    public void WriteLayers(LayerSet layers)
    {
        Make("layers.csv", () => Csv.Of(
            ["name", "op", "weight", "shape", "parameters", "macs", "groups"],
            layers.Layers.Select(l => (string[])[l.Name, l.Op, l.Weight, string.Join('x', l.Shape), $"{l.Parameters}", $"{l.Macs}", $"{l.Groups}"])));
        Make("kept.csv", () => Csv.Of(["name", "op", "reason"], layers.Kept.Select(k => (string[])[k.Name, k.Op, k.Reason])));
    }

    /// <summary>Rows of a table that is kept in the folder, its header left out. Shape: [rows][columns].</summary>
    /// <param name="file">Name of the file.</param>
    /// <param name="columns">Columns that every row must have.</param>
    /// <exception cref="RunFolderException">It is not there, or no such table.</exception>
    public IReadOnlyList<string[]> ReadTable(string file, int columns) => Read(file, "table", stream =>
    {
        using var reader = new StreamReader(stream);
        string[][] rows = [.. Csv.Read(reader.ReadToEnd()).Skip(1)];
        return rows.All(row => row.Length == columns) ? rows : throw new InvalidDataException($"a row that has not {columns} cells");
    }) ?? throw Missing(file);

    public void WriteScalings(IReadOnlyList<ChannelScaling> scalings) => Write("equalization.json", JsonSerializer.Serialize(scalings, Json) + "\n");

    /// <summary>How channels were scaled, or null where that is not written yet, or not done in this run.</summary>
    public IReadOnlyList<ChannelScaling>? ReadScalings()
    {
        if (!Description.Equalize)
        {
            return null;
        }
        var read = Read("equalization.json", "list of scalings", stream =>
        {
            var scalings = JsonSerializer.Deserialize<ChannelScaling[]>(stream, Json) ?? [];
            return scalings.All(s => s is not null && s.Consumers.All(c => c is not null) && s.Factors.All(f => float.IsFinite(f) && f > 0))
                && scalings.DistinctBy(s => s.Tensor).Count() == scalings.Length
                ? scalings
                : throw new JsonException("a scaling that is none, twice of one tensor, or with a factor that is not above 0");
        });
        return read ?? (measures ? null : throw Missing("equalization.json"));
    }

    public void WriteRanges(ActivationRanges ranges) => Write("ranges.json", JsonSerializer.Serialize(ranges, Json) + "\n");

    /// <summary>The grids that activations are rounded to while measuring, or null where they are not, or not found yet.</summary>
    /// <param name="count">Number of grids.</param>
    public ActivationRanges? ReadRanges(int count)
    {
        if (Description.MeasuredActivations == "float")
        {
            return null;
        }
        var read = Read("ranges.json", "list of grids", stream =>
        {
            var ranges = JsonSerializer.Deserialize<ActivationRanges>(stream, Json) ?? throw new JsonException("empty");
            return ranges.Scales.Count == count && ranges.ZeroPoints.Count == count && ranges.Scales.All(s => float.IsFinite(s) && s > 0)
                ? ranges
                : throw new JsonException($"not {count} grids with scales above 0");
        });
        return read ?? (measures ? null : throw Missing("ranges.json"));
    }

    public void WriteCandidates(CandidateSet candidates)
    {
        WriteCandidateTable(candidates);
        Write(Candidates, CandidateFile.Of(candidates).Write);
    }

    /// <summary>The candidates as they were measured, or null where none are written yet.</summary>
    public CandidateSet? ReadCandidates(IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths)
    {
        var candidates = Read(Candidates, "set of candidates of this run", stream => CandidateFile.Read(stream, layers, widths));
        if (measures && candidates is not null)
        {
            Make("candidates.csv", () => Table(candidates));
        }
        return candidates;
    }

    public void WriteSensitivity(SensitivityMatrix matrix) => Write(Sensitivity, SensitivityFile.Of(matrix).Write);

    /// <summary>The matrix of a finished measurement.</summary>
    /// <exception cref="RunFolderException">It is not finished, or damaged.</exception>
    public SensitivityMatrix ReadSensitivity() => FindSensitivity() ?? throw new RunFolderException(
        FolderPath, $"its measurement is not finished; finish it with {MeasureCommand} and the options it was begun with");

    /// <summary>The curve that is kept for the same images, rounds and kind of files, or null.</summary>
    /// <exception cref="RunFolderException">The file is there and no curve.</exception>
    public Curve? ReadCurve(Curve like) =>
        ReadCurve(NameOf(like)) is { } curve && (curve.ImagesSha256, curve.Rounds, curve.Activations) == (like.ImagesSha256, like.Rounds, like.Activations) ? curve : null;

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
        var read = files.Names(Stage + "*.json").Select(file => Read(file, "allocation", stream => AllocationFile.Read(stream, Path.GetFileNameWithoutExtension(file)[Stage.Length..])));
        return read.OfType<AllocationFile>().GroupBy(a => a.WrittenAs).OrderByDescending(kind => kind.Count()).Select(kind => kind.Select(a => a.Point).ToArray()).FirstOrDefault() ?? [];
    }

    public void WriteCurve(Curve curve) => Keep(NameOf(curve), JsonSerializer.Serialize(curve, Curve.Json) + "\n");

    /// <summary>Writes a result's JSON under a name that may come from outside: a budget, a model.</summary>
    public void WriteJson(string stage, string name, string json) => Keep($"{stage}-{FileNameOf(name)}.json", json + "\n");

    /// <summary>Writes a page about the run.</summary>
    /// <returns>Its path.</returns>
    public string WritePage(string html)
    {
        Write("report.html", html);
        return files.In("report.html");
    }

    private string MeasureCommand => $"clado measure {Description.ModelPath} --images {Description.ImagesPath} --run {FolderPath}";

    /// <summary>The description of the run; null where it is damaged, and yet the folder is certainly that of the run expected.</summary>
    private static RunDescription? ReadDescription(CheckedFolder files, RunDescription? expected, Action<string>? notice)
    {
        RunDescription Parse(Stream stream) => DamagedFileException.Guard(files.In(RunFile), "run description", () => RunDescription.FromJson(Text(stream)));
        try
        {
            if (!files.HasSums)
            {
                return WithoutSums(files, Parse, expected, notice);
            }
            using var stream = files.Has(RunFile) ? files.Open(RunFile) : throw new DamagedFileException(files.In(RunFile), "is missing");
            return Parse(stream);
        }
        catch (DamagedFileException e)
        {
            if (expected is not null && files.Owner == expected.Fingerprint())
            {
                notice?.Invoke($"{e.Message}; it is written again");
                return null;
            }
            throw new RunFolderException(files.In(RunFile), $"{e.Problem}; clado measure, with the very options the folder was made with, writes it again, or give another "
                + "folder with --run", e);
        }
    }

    /// <summary>A folder without checksums is one of an earlier version; or it has lost them, and everything is made again by who measures the same.</summary>
    private static RunDescription? WithoutSums(CheckedFolder files, Func<Stream, RunDescription> parse, RunDescription? expected, Action<string>? notice)
    {
        using var stream = File.OpenRead(files.In(RunFile));
        var there = parse(stream);
        if (there.CladoVersion != RunDescription.Version)
        {
            throw new RunFolderException(files.FolderPath, $"was made by Clado {there.CladoVersion}, whose run folders have no checksums (no {Checksums.FileName}); this is Clado "
                + $"{RunDescription.Version}: measure again into another folder");
        }
        if (expected is null)
        {
            throw new RunFolderException(files.In(Checksums.FileName), "is missing, and what the folder holds cannot be checked; clado measure, with the options it was made with, "
                + "measures again");
        }
        if (expected.Differences(there).Length > 0)
        {
            return there;
        }
        notice?.Invoke($"{files.In(Checksums.FileName)}: is missing, and what the folder holds cannot be checked; it is made again");
        return null;
    }

    private SensitivityMatrix? FindSensitivity() => Read(Sensitivity, "sensitivity matrix", SensitivityFile.Read);

    private Curve? ReadCurve(string name) => Read(name, "curve", stream =>
    {
        var curve = JsonSerializer.Deserialize<Curve>(stream, Curve.Json) ?? throw new JsonException("empty");
        return curve.Images < 1 || curve.Points.Any(p => p is null) ? throw new JsonException("no images, or a point that is none")
            : curve with { Points = [.. curve.Points.Select(p => p.Checked())] };
    });

    /// <summary>Reads a file; null where it is not there, or damaged and about to be made again.</summary>
    private T? Read<T>(string file, string what, Func<Stream, T> parse) where T : class
    {
        if (!files.Has(file))
        {
            return null;
        }
        try
        {
            using var stream = files.Open(file);
            return DamagedFileException.Guard(files.In(file), what, () => parse(stream));
        }
        catch (DamagedFileException e) when (measures)
        {
            notice?.Invoke($"{e.Message}; it is made again");
            return null;
        }
        catch (DamagedFileException e)
        {
            throw new RunFolderException(files.In(file), e.Problem + (IsResult(file)
                ? "; remove it and make it again"
                : $"; {MeasureCommand}, with the options it was made with, makes it again"), e);
        }
    }

    /// <summary>What nobody needs to go on, and only the verb it came from can make again.</summary>
    private static bool IsResult(string file) => file.StartsWith("sweep-", StringComparison.Ordinal) || file.StartsWith("allocation-", StringComparison.Ordinal);

    private RunFolderException NotThere(string what, string path) => new(
        FolderPath, $"was measured on the {what} {path}, which is not there now; put that back, or say where it is: clado measure MODEL.onnx --images DIR --run {FolderPath}, with "
            + "the options it was made with");

    private RunFolderException Missing(string file) =>
        new(files.In(file), $"is missing; {MeasureCommand}, with the options it was made with, makes it again");

    /// <summary>Writes what others go on from.</summary>
    private void Write(string file, Action<Stream> write)
    {
        if (IsNew)
        {
            Claim();
        }
        files.Write(file, owner, write);
    }

    private void Write(string file, string text) => Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes what is good to have; where nothing can be written, that is said.</summary>
    private void Keep(string file, string text)
    {
        try
        {
            Write(file, text);
        }
        catch (ReadOnlyFolderException)
        {
            SayReadOnly();
        }
    }

    /// <summary>Writes what is not there yet, or damaged.</summary>
    private void Make(string file, Func<string> text)
    {
        if (files.IsSound(file))
        {
            return;
        }
        if (files.Has(file))
        {
            notice?.Invoke($"{files.In(file)}: is damaged; it is made again");
        }
        Write(file, text());
    }

    /// <summary>Puts down whose folder it is: as late as there is something to keep, so that a run that cannot even begin leaves nothing behind.</summary>
    private void Claim()
    {
        files.Write(RunFile, owner, stream => stream.Write(Encoding.UTF8.GetBytes(Description.ToJson())));
        isClaimed = true;
    }

    private void SayReadOnly()
    {
        if (!readOnlySaid)
        {
            notice?.Invoke($"{FolderPath}: is read-only; what is found now is not kept there");
            readOnlySaid = true;
        }
    }

    private void WriteCandidateTable(CandidateSet candidates) => Write("candidates.csv", Table(candidates));

    private static string Table(CandidateSet candidates) => Csv.Of(
        ["layer", "bits", "sizeBytes", "squaredError"],
        candidates.Items.Select(c => (string[])[c.Layer.Name, $"{c.Bits}", $"{c.SizeBytes}", c.SquaredError.ToString("R", CultureInfo.InvariantCulture)]));

    private static string Text(Stream stream)
    {
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string NameOf(Curve curve) =>
        $"sweep-{curve.ImagesSha256[..8]}{(curve.Rounds is { } rounds ? string.Create(CultureInfo.InvariantCulture, $"-rounds{rounds}") : "")}-{curve.Activations}.json";

    /// <summary>A name that every file system takes; where something of it is lost, digits tell it from others that would look the same.</summary>
    private static string FileNameOf(string name)
    {
        var safe = string.Concat(name.Take(LongestName).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '%' ? c : '_'));
        return safe == name ? name : $"{safe}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8]}";
    }
}
