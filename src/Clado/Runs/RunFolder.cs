using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Clado.Activations;
using Clado.Candidates;
using Clado.Comparisons;
using Clado.Curves;
using Clado.Equalization;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tuning;

namespace Clado.Runs;

/// <summary>
/// A folder that holds everything a run has found: its products, each a file. A folder of another run is refused, with what differs named.
/// What is damaged is made again by whoever measures, and refused to everybody else.
/// </summary>
internal sealed partial class RunFolder
{
    private const int LongestName = 100;
    private const string Tuning = "tuning.safetensors";

    private readonly RunFiles files;

    private RunFolder(RunFiles files) => this.files = files;

    public string FolderPath => files.FolderPath;

    public RunDescription Description => files.Description;

    /// <summary>Whether nothing of the run is in the folder yet; it is made by the first thing that is.</summary>
    public bool IsNew => files.IsNew;

    /// <summary>Whether the sensitivities are all measured.</summary>
    /// <param name="candidates">The candidates of the run.</param>
    public bool IsMeasured(CandidateSet candidates) => files.Read(Products.Sensitivity) is not null
        && (!Description.Rows || Description.MixesRows || files.Read(Products.Rows(candidates)) is not null);

    /// <inheritdoc cref="RunOpening.OpenOrCreate"/>
    public static RunFolder OpenOrCreate(string path, RunDescription description, Action<string>? notice = null) =>
        new(RunOpening.OpenOrCreate(path, description, notice));

    /// <inheritdoc cref="RunOpening.Open"/>
    public static RunFolder Open(string path, Action<string>? notice = null) => new(RunOpening.Open(path, notice));

    /// <summary>How the run's images become inputs.</summary>
    public Preprocessing Preprocessing => Preprocessing.FromJson(Description.Preprocessing, files.In(RunDescriptionFile.Name));

    /// <summary>Path of the run's model.</summary>
    /// <exception cref="RunFolderException">It is not there.</exception>
    public string ModelPath =>
        File.Exists(Description.ModelPath) ? Description.ModelPath : throw files.NotThere("model", Description.ModelPath);

    /// <summary>The images of the run, as long as they lie where they lay.</summary>
    /// <exception cref="CladoException">They are not there, or are others.</exception>
    public ImageSet Images()
    {
        if (!Directory.Exists(Description.ImagesPath))
        {
            throw files.NotThere("images", Description.ImagesPath);
        }
        bool AreThose(ImageSet? set) => set?.Sha256 == Description.ImagesSha256;
        var images = Chosen(ImageFolder.Open(Description.ImagesPath));
        if (!AreThose(images))
        {
            // Earlier versions took less of what lies there for images.
            images = ImageFolder.OpenAsEarlier(Description.ImagesPath) is { } fewer ? Chosen(fewer) : null;
        }
        return AreThose(images) ? images!.DecodedOnce() : throw new RunFolderException(
            FolderPath, $"was measured on other images than lie in {Description.ImagesPath} now; put those back, or measure again");
    }

    /// <summary>Those of a folder's images that the run takes, with its classes; null where they cannot be those of the run.</summary>
    private ImageSet? Chosen(ImageSet images) => Description.LabelOffset != 0 && !images.IsLabelled
        ? null
        : images.Limit(Description.Limit, Description.Seed).WithLabelOffset(Description.LabelOffset);

    /// <inheritdoc cref="RunFiles.BatchSize"/>
    public int BatchSize(Func<int> choose) => files.BatchSize(choose);

    /// <inheritdoc cref="RunFiles.OpenRecords"/>
    public RecordStore OpenRecords(bool mustKeep) => files.OpenRecords(mustKeep);

    /// <inheritdoc cref="RunFiles.CheckRecords"/>
    public void CheckRecords() => files.CheckRecords();

    public void WriteLayers(LayerSet layers)
    {
        files.Make(RunTables.LayersFile, () => RunTables.Layers(layers));
        files.Make(RunTables.KeptFile, () => RunTables.Kept(layers));
    }

    /// <summary>Rows of a table that is kept in the folder, its header left out. Shape: [rows][columns].</summary>
    /// <param name="file">Name of the file.</param>
    /// <param name="columns">Columns that every row must have.</param>
    /// <exception cref="RunFolderException">It is not there, or no such table.</exception>
    public IReadOnlyList<string[]> ReadTable(string file, int columns) => files.Read(file, "table", stream =>
    {
        using var reader = new StreamReader(stream);
        string[][] rows = [.. Csv.Read(reader.ReadToEnd()).Skip(1).Select(row => row.Cells)];
        return rows.All(row => row.Length == columns) ? rows : throw new InvalidDataException($"a row that has not {columns} cells");
    }) ?? throw files.Missing(file);

    public void WriteScalings(IReadOnlyList<ChannelScaling> scalings) => files.Write(Products.Scalings, scalings);

    /// <summary>How channels were scaled, or null where that is not written yet, or not done in this run.</summary>
    public IReadOnlyList<ChannelScaling>? ReadScalings() => Description.Equalize ? files.ReadExpected(Products.Scalings) : null;

    public void WriteRanges(ActivationRanges ranges) => files.Write(Products.Ranges(), ranges);

    /// <summary>The grids that activations are rounded to while measuring, or null where they are not, or not found yet.</summary>
    /// <param name="count">Number of grids.</param>
    public ActivationRanges? ReadRanges(int count) =>
        Description.MeasuredActivations == "float" ? null : files.ReadExpected(Products.Ranges(count));

    public void WriteScales(IReadOnlyList<OutputScale> scales) => files.Write(Products.Scales, scales);

    /// <summary>The units of the outputs, or null where the loss needs none, or they are not found yet. Shape: [outputs].</summary>
    public IReadOnlyList<OutputScale>? ReadScales() =>
        files.Read(Products.Scales)
        ?? (NeedsNoScales ? null : throw files.Missing(Products.Scales.File));

    private bool NeedsNoScales =>
        files.Measures || files.Read(Products.Sensitivity) is not { } found || !LossKind.Named(found.Loss).NeedsScales;

    public void WriteCandidates(CandidateSet candidates)
    {
        files.Write(Products.Candidates([], []), candidates);
        WriteTable(candidates);
    }

    /// <summary>Writes how weights lie on the grids of their widths, where that is not there.</summary>
    /// <param name="profiles">Looks at them.</param>
    public void WriteProfiles(Func<IReadOnlyList<LayerProfile>> profiles)
    {
        if (files.Read(Products.Profiles) is null)
        {
            var found = profiles();
            files.Keep(Products.Profiles.File, stream => Products.Profiles.Write(found, stream));
        }
    }

    /// <summary>How weights lie on the grids of their widths; null in folders of earlier versions. Shape: [layers].</summary>
    public IReadOnlyList<LayerProfile>? ReadProfiles() => files.Read(Products.Profiles);

    /// <summary>Writes the table of all candidates, where it is not there.</summary>
    /// <param name="candidates">All of them, those of mixed widths too.</param>
    public void WriteTable(CandidateSet candidates)
    {
        if (!Description.MixesRows || candidates.Items.Any(candidate => !candidate.IsWhole))
        {
            files.Make(RunTables.CandidatesFile, () => RunTables.Candidates(candidates));
        }
    }

    /// <summary>The candidates as they were measured, or null where none are written yet.</summary>
    public CandidateSet? ReadCandidates(IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths)
    {
        var candidates = files.Read(Products.Candidates(layers, widths));
        if (files.Measures && candidates is not null)
        {
            WriteTable(candidates);
        }
        return candidates;
    }

    /// <summary>Writes the matrix, and what rows cost, where they were measured with it.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="candidates">Its candidates.</param>
    public void WriteSensitivity(SensitivityMatrix matrix, CandidateSet candidates)
    {
        if (matrix.Channels is { } rows)
        {
            WriteRows(rows, candidates);
        }
        files.Write(Products.Sensitivity, matrix);
    }

    /// <summary>The matrix of a finished measurement.</summary>
    /// <exception cref="RunFolderException">It is not finished, or damaged.</exception>
    public SensitivityMatrix ReadSensitivity() => files.Read(Products.Sensitivity) ?? throw new RunFolderException(
        FolderPath, $"its measurement is not finished; finish it with {files.MeasureCommand} and the options it was begun with");

    /// <summary>Keeps where tuning stands; where nothing can be written, that is said.</summary>
    /// <param name="state">Where it stands.</param>
    /// <param name="key">Names what is tuned.</param>
    public void KeepTuning(TuningState state, string key) =>
        files.Keep(Tuning, stream => TuningFile.Of(state, key).Write(stream));

    /// <summary>Where tuning stands, or null where it has not begun, or is of something else.</summary>
    /// <param name="task">What is tuned.</param>
    /// <param name="key">Names it.</param>
    public TuningState? ReadTuning(TuningTask task, string key) => files.ReadOrNone(
        Tuning, "state of tuning", stream => TuningFile.Read(stream, key, task.Tuned, task.HeldBack.Images.Items.Count));

    public void WriteCurve(Curve curve) => files.Keep(NameOf(curve), JsonSerializer.Serialize(curve, Curve.Json) + "\n");

    /// <summary>The curve that is kept for the same images, rounds and kind of files, or null.</summary>
    /// <exception cref="RunFolderException">The file is there and no curve.</exception>
    public Curve? ReadCurve(Curve like) =>
        files.Read(Products.Curve(NameOf(like))) is { } curve
            && (curve.ImagesSha256, curve.Rounds, curve.Activations) == (like.ImagesSha256, like.Rounds, like.Activations) ? curve : null;

    /// <summary>All curves that are kept, those of most points first, and of equally many those on most images.</summary>
    public IReadOnlyList<Curve> ReadCurves() =>
    [
        .. files.Names("sweep-*.json").Select(name => files.Read(Products.Curve(name))).OfType<Curve>()
            .OrderByDescending(curve => curve.Of(CurveMethod.Clado).Count()).ThenByDescending(curve => curve.Images),
    ];

    /// <summary>
    /// What was allocated budget by budget, as points of a curve on the run's images. Of choices for several kinds of files, those of the
    /// kind there is most of. Those of infeasible budgets are not kept.
    /// </summary>
    /// <exception cref="RunFolderException">A file is no allocation.</exception>
    public IReadOnlyList<CurvePoint> ReadAllocations()
    {
        const string Stage = "allocation-";
        var read = files.Names(Stage + "*.json").Select(file => files.Read(
            file, "allocation", stream => AllocationFile.Read(stream, Path.GetFileNameWithoutExtension(file)[Stage.Length..])));
        var kinds = read.OfType<AllocationFile>().GroupBy(allocation => allocation.WrittenAs).OrderByDescending(kind => kind.Count());
        return [.. kinds.FirstOrDefault()?.Select(allocation => allocation.Point) ?? []];
    }

    /// <summary>What was allocated last; null where nothing was.</summary>
    /// <exception cref="RunFolderException">The file is no allocation.</exception>
    public AllocationFile? LastChosen()
    {
        const string Stage = "allocation-";
        return files.Names(Stage + "*.json").MaxBy(file => File.GetLastWriteTimeUtc(files.In(file))) is { } last
            ? files.Read(last, "allocation", stream => AllocationFile.Read(stream, Path.GetFileNameWithoutExtension(last)[Stage.Length..]))
            : null;
    }

    /// <summary>Writes a result's JSON under a name that may come from outside: a budget, a model.</summary>
    public void WriteJson(string stage, string name, string json) => files.Keep($"{stage}-{FileNameOf(name)}.json", json + "\n");

    /// <summary>Writes a page about the run.</summary>
    /// <returns>Its path.</returns>
    public string WritePage(string html)
    {
        files.Write("report.html", html);
        return files.In("report.html");
    }

    public void WriteComparison(Comparison comparison) => files.Keep(
        $"comparison-{comparison.ImagesSha256[..8]}-{comparison.Activations}"
            + $"{(comparison.Tune == TuningMethod.Network ? "-tuned" : "")}.json",
        JsonSerializer.Serialize(comparison, JsonText.Indented) + "\n");

    /// <summary>All comparisons that are kept, those of most rows first.</summary>
    public IReadOnlyList<Comparison> ReadComparisons() =>
    [
        .. files.Names("comparison-*.json").Select(name => files.Read(Products.Comparison(name))).OfType<Comparison>()
            .OrderByDescending(comparison => comparison.Rows.Count).ThenByDescending(comparison => comparison.Images),
    ];

    private static string NameOf(Curve curve) =>
        $"sweep-{curve.ImagesSha256[..8]}{(curve.Rounds is { } rounds ? $"-rounds{rounds}" : "")}-{curve.Activations}.json";

    /// <summary>
    /// A name that every file system takes. Where that loses something, digits tell it from others that would look alike.
    /// </summary>
    private static string FileNameOf(string name)
    {
        static bool IsSafe(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '%';
        var safe = string.Concat(name.Take(LongestName).Select(c => IsSafe(c) ? c : '_'));
        return safe == name ? name : $"{safe}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8]}";
    }
}
