using Clado.Records;
using static System.FormattableString;

namespace Clado.Runs;

/// <summary>The description of a run as <c>run.json</c> holds it: whose folder it is.</summary>
internal static class RunDescriptionFile
{
    public const string Name = "run.json";

    /// <summary>Throws where a folder is of another run than is wanted.</summary>
    public static void Compare(string path, RunDescription wanted, RunDescription there)
    {
        var differences = wanted.Differences(there);
        if (differences.Length > 0)
        {
            bool isOfOthers = wanted.ImagesSha256 != there.ImagesSha256 && wanted.Limit != there.Limit;
            var limit = there.Limit is { } count ? Invariant($"{count}") : "all";
            throw new RunFolderException(
                path,
                $"was measured otherwise: {string.Join("; ", differences)}; "
                + $"give another folder with {Settings.Run}, or the same options{(isOfOthers ? $": {Settings.Limit} {limit}" : "")}");
        }
    }

    /// <summary>The description of the run; null where it is damaged, and yet the folder is certainly that of the run expected.</summary>
    public static RunDescription? Read(CheckedFolder files, RunDescription? expected, Action<string>? notice)
    {
        RunDescription Parse(Stream stream) =>
            DamagedFileException.Guard(files.In(Name), "run description", () => RunDescription.FromJson(Text(stream)));
        try
        {
            if (!files.HasSums)
            {
                return WithoutSums(files, Parse, expected, notice);
            }
            using var stream = files.Has(Name) ? files.Open(Name) : throw new DamagedFileException(files.In(Name), "is missing");
            return Parse(stream);
        }
        catch (DamagedFileException e)
        {
            if (expected is not null && files.Owner == expected.Fingerprint())
            {
                notice?.Invoke($"{e.Message}; it is written again");
                return null;
            }
            throw new RunFolderException(
                files.In(Name),
                $"{e.Problem}; {Settings.Measure}, with the very options the folder was made with, writes it again, "
                    + $"or give another folder with {Settings.Run}",
                e);
        }
    }

    /// <summary>
    /// A folder without checksums is one of an earlier version; or it has lost them, and everything is made again by who measures the same.
    /// </summary>
    private static RunDescription? WithoutSums(
        CheckedFolder files, Func<Stream, RunDescription> parse, RunDescription? expected, Action<string>? notice)
    {
        if (InputFile.Problem(files.In(Name)) is { } problem)
        {
            throw new RunFolderException(files.In(Name), $"{problem}; move it away, or give another folder with {Settings.Run}");
        }
        using var stream = File.OpenRead(files.In(Name));
        var there = parse(stream);
        if (there.CladoVersion != RunDescription.Version)
        {
            throw new RunFolderException(files.FolderPath, $"was made by Clado {there.CladoVersion}, whose run folders have no checksums "
                + $"(no {Checksums.FileName}); this is Clado {RunDescription.Version}: measure again into another folder");
        }
        if (expected is null)
        {
            throw new RunFolderException(files.In(Checksums.FileName), "is missing, and what the folder holds cannot be checked; "
                + $"{Settings.Measure}, with the options it was made with, measures again");
        }
        if (expected.Differences(there).Length > 0)
        {
            return there;
        }
        notice?.Invoke($"{files.In(Checksums.FileName)}: is missing, and what the folder holds cannot be checked; it is made again");
        return null;
    }

    private static string Text(Stream stream)
    {
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
