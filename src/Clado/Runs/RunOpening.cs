using Clado.Records;

namespace Clado.Runs;

/// <summary>Whether a folder is that of a run: looks before anything is read or written.</summary>
internal static class RunOpening
{
    /// <summary>Opens the folder of a run that goes on, or one that the run will make; what is damaged in it is made again.</summary>
    /// <param name="path">Path of the folder.</param>
    /// <param name="description">The run.</param>
    /// <param name="notice">Is told of what is damaged.</param>
    /// <exception cref="RunFolderException">
    /// The folder is of another run, and the message names what differs; or it cannot be told whose it is.
    /// </exception>
    public static RunFiles OpenOrCreate(string path, RunDescription description, Action<string>? notice = null)
    {
        var files = new CheckedFolder(path);
        // A kill may leave the sum of a description that never came; where there is nothing else, nothing is lost.
        if (!files.HasStrangers)
        {
            return new RunFiles(files, description, notice, measures: true, isClaimed: false);
        }
        if (!files.Has(RunDescriptionFile.Name) && !files.HasSums)
        {
            throw new RunFolderException(
                path, $"is not empty and no run folder (it has no {RunDescriptionFile.Name}); give another folder with {Settings.Run}");
        }
        if (RunDescriptionFile.Read(files, description, notice) is not { } there)
        {
            var again = new RunFiles(files, description, notice, measures: true, isClaimed: true);
            again.Keep(RunDescriptionFile.Name, description.ToJson());
            return again;
        }
        RunDescriptionFile.Compare(path, description, there);
        // The same model and images, which may lie elsewhere now.
        var moved = there with
        {
            ModelPath = description.ModelPath,
            ImagesPath = description.ImagesPath,
            ImagesFound = description.ImagesFound,
            Limit = description.Limit,
            Seed = description.Seed,
            LabelOffset = description.LabelOffset,
        };
        var run = new RunFiles(files, moved, notice, measures: true, isClaimed: true);
        if (moved.ToJson() != there.ToJson())
        {
            run.Keep(RunDescriptionFile.Name, moved.ToJson());
        }
        return run;
    }

    /// <summary>Opens a folder that is there; what is damaged in it is refused.</summary>
    /// <param name="path">Path of the folder.</param>
    /// <param name="notice">Is told of what is measured in vain, and of records that are measured again.</param>
    /// <exception cref="RunFolderException">The folder has no run in it.</exception>
    public static RunFiles Open(string path, Action<string>? notice = null)
    {
        var files = new CheckedFolder(path);
        if (!files.Has(RunDescriptionFile.Name))
        {
            throw files.HasSums
                ? new RunFolderException(
                    files.In(RunDescriptionFile.Name),
                    $"is missing; {Settings.Measure}, with the options the folder was made with, writes it again")
                : new RunFolderException(
                    path,
                    $"is no run folder (it has no {RunDescriptionFile.Name}); "
                        + $"make one with {Settings.Measure} MODEL.onnx {Settings.Images} DIR {Settings.Run} {path}");
        }
        return new RunFiles(files, RunDescriptionFile.Read(files, null, null)!, notice, measures: false, isClaimed: true);
    }
}
