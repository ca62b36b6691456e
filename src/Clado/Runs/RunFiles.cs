using System.Text;
using Clado.Records;

namespace Clado.Runs;

/// <summary>
/// The files of a run folder, whatever they hold: whose they are, and what becomes of those that are damaged. Who measures makes them
/// again; to everybody else they are refused.
/// </summary>
internal sealed class RunFiles
{
    private const string Records = "records.sqlite";

    private readonly CheckedFolder files;
    private readonly string owner;
    private readonly Action<string>? notice;
    private bool isClaimed;
    private bool readOnlySaid;

    /// <summary>The files of a folder that <see cref="RunOpening"/> looked at.</summary>
    /// <param name="files">The folder.</param>
    /// <param name="description">The run.</param>
    /// <param name="notice">Is told of what is damaged, and of what is not kept.</param>
    /// <param name="measures">Whether what is damaged or missing is about to be made again.</param>
    /// <param name="isClaimed">Whether the folder says already whose it is.</param>
    public RunFiles(CheckedFolder files, RunDescription description, Action<string>? notice, bool measures, bool isClaimed)
    {
        (this.files, Description, this.notice, Measures, this.isClaimed) = (files, description, notice, measures, isClaimed);
        owner = description.Fingerprint();
    }

    public string FolderPath => files.FolderPath;

    public RunDescription Description { get; private set; }

    /// <summary>Whether what is damaged or missing is about to be made again.</summary>
    public bool Measures { get; }

    /// <summary>Whether nothing of the run is in the folder yet; it is made by the first thing that is.</summary>
    public bool IsNew => !isClaimed;

    /// <summary>The command that made the folder, without its options.</summary>
    public string MeasureCommand =>
        $"{Settings.Measure} {Description.ModelPath} {Settings.Images} {Description.ImagesPath} {Settings.Run} {FolderPath}";

    public string In(string file) => files.In(file);

    /// <summary>Names of the files that fit a pattern, in order.</summary>
    public IEnumerable<string> Names(string pattern) => files.Names(pattern);

    /// <summary>Opens the records of finished units of measuring.</summary>
    /// <param name="mustKeep">Whether it makes no sense to go on where nothing can be recorded.</param>
    /// <exception cref="CladoException">They cannot be opened.</exception>
    public RecordStore OpenRecords(bool mustKeep)
    {
        if (IsNew)
        {
            Claim();
        }
        var records = NewRecords();
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

    /// <summary>
    /// Images a batch when sensitivities are measured: as the run was begun, or chosen now, once for all who measure in the folder.
    /// </summary>
    /// <param name="choose">Chooses, where nobody has.</param>
    public int BatchSize(Func<int> choose)
    {
        if (Description.BatchSize is { } known)
        {
            return known;
        }
        int chosen = choose();
        // Another process may have been faster, and may have noted other paths.
        var there = files.Has(RunDescriptionFile.Name) ? RunDescriptionFile.Read(files, Description, notice) : null;
        Description = Description with { BatchSize = there?.BatchSize ?? chosen };
        if (there?.BatchSize is null)
        {
            Keep(RunDescriptionFile.Name, ((there ?? Description) with { BatchSize = chosen }).ToJson());
        }
        return Description.BatchSize!.Value;
    }

    /// <summary>Makes again what of the records is damaged, where that can be seen without using them.</summary>
    public void CheckRecords()
    {
        if (files.Has(Records))
        {
            NewRecords().Dispose();
        }
    }

    /// <summary>Reads a product; null where it is not there, or damaged and about to be made again.</summary>
    public T? Read<T>(Product<T> product) where T : class => Read(product.File, product.What, product.Read);

    /// <summary>Reads a product that must be there, unless it is about to be made: null then.</summary>
    /// <exception cref="RunFolderException">It is not there.</exception>
    public T? ReadExpected<T>(Product<T> product) where T : class => Read(product) ?? (Measures ? null : throw Missing(product.File));

    /// <summary>Reads a file; null where it is not there, or damaged and about to be made again.</summary>
    public T? Read<T>(string file, string what, Func<Stream, T> parse) where T : class
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
        catch (DamagedFileException e) when (Measures)
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

    /// <summary>Reads a file that is good to have; null where it is not there, or damaged, which is said.</summary>
    public T? ReadOrNone<T>(string file, string what, Func<Stream, T?> parse) where T : class
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
        catch (DamagedFileException e)
        {
            notice?.Invoke($"{e.Message}; it is made again");
            return null;
        }
    }

    /// <summary>What nobody needs to go on, and only the verb it came from can make again.</summary>
    private static bool IsResult(string file) =>
        ((string[])["sweep-", "allocation-", "comparison-"]).Any(start => file.StartsWith(start, StringComparison.Ordinal));

    /// <summary>The error of something outside the folder that is not where the run found it.</summary>
    public RunFolderException NotThere(string what, string path) => new(
        FolderPath, $"was measured on the {what} {path}, which is not there now; put that back, or say where it is: "
            + $"{Settings.Measure} MODEL.onnx {Settings.Images} DIR {Settings.Run} {FolderPath}, with the options it was made with");

    /// <summary>The error of a file that is not there.</summary>
    public RunFolderException Missing(string file) =>
        new(files.In(file), $"is missing; {MeasureCommand}, with the options it was made with, makes it again");

    /// <summary>Writes what others go on from.</summary>
    public void Write(string file, Action<Stream> write)
    {
        if (IsNew)
        {
            Claim();
        }
        files.Write(file, owner, write);
    }

    /// <summary>Writes a product.</summary>
    public void Write<T>(Product<T> product, T value) where T : class => Write(product.File, stream => product.Write(value, stream));

    public void Write(string file, string text) => Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes what is good to have; where nothing can be written, that is said.</summary>
    public void Keep(string file, string text) => Keep(file, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <inheritdoc cref="Keep(string, string)"/>
    public void Keep(string file, Action<Stream> write)
    {
        try
        {
            Write(file, write);
        }
        catch (ReadOnlyFolderException)
        {
            SayReadOnly();
        }
    }

    /// <summary>Writes what is not there yet, or damaged.</summary>
    public void Make(string file, Func<string> text)
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

    /// <summary>
    /// Puts down whose folder it is. That is as late as there is something to keep: a run that cannot even begin leaves nothing behind.
    /// </summary>
    /// <exception cref="RunFolderException">Another run was faster.</exception>
    private void Claim()
    {
        void Describe(Stream stream) => stream.Write(Encoding.UTF8.GetBytes(Description.ToJson()));
        if (!files.Write(RunDescriptionFile.Name, owner, Describe, replaces: false)
            && RunDescriptionFile.Read(files, Description, notice) is { } there)
        {
            RunDescriptionFile.Compare(FolderPath, Description, there);
        }
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

    private RecordStore NewRecords()
    {
        if (files.Has(Records) && InputFile.Problem(files.In(Records)) is { } problem)
        {
            throw new RunFolderException(files.In(Records), $"{problem}; move it away, what it held is measured again");
        }
        // SQLite's own, which come and go while others use it.
        files.RefuseFolder(Records + "-wal");
        files.RefuseFolder(Records + "-shm");
        return new RecordStore(files.In(Records), owner, repairs: Measures, notice);
    }
}
