using Clado.Images;
using Clado.Onnx;

namespace Clado;

/// <summary>Files and folders that are going to be written: looked at before the work for them. Nothing is left there.</summary>
public static class Destination
{
    // What a run folder is made of; everything else in it is somebody's own.
    private static readonly string[] RunTables = ["layers.csv", "kept.csv", "candidates.csv", "SHA256SUMS", ".lock"];
    private static readonly string[] RunTypes = [".json", ".safetensors", ".sqlite", ".sqlite-wal", ".sqlite-shm"];
    private static readonly string[] ImageTables = [ImageFolder.LabelsFile, ImageFolder.ClassesFile];

    /// <summary>Checks a file that is to be written.</summary>
    /// <param name="option">The option that errors name.</param>
    /// <param name="path">The file; null where none was asked for.</param>
    /// <param name="model">The model that is read, or null.</param>
    /// <param name="inputs">Other files that are read; those that are not there are no matter. Shape: [files].</param>
    /// <exception cref="CladoException">It cannot be written, or is one of those.</exception>
    public static void CheckFile(string option, string? path, string? model, params IEnumerable<string?> inputs)
    {
        if (path is null)
        {
            return;
        }
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
        {
            throw new CladoException($"{option} {path}: is a folder; give a file in it");
        }
        if (model is not null)
        {
            OnnxFile.ThrowIfLost(path, model);
        }
        if (inputs.OfType<string>().FirstOrDefault(input => File.Exists(input) && InputFile.IsSame(path, input)) is { } same)
        {
            throw new CladoException($"{option} {path}: is the file {same} that is read, which would be lost; give another file");
        }
        // A link that leads nowhere is there, too.
        if (File.Exists(path) && InputFile.Problem(path) is { } problem)
        {
            throw new CladoException($"{option} {path}: {problem}; give another file");
        }
        CheckFolder(option, Path.GetDirectoryName(Path.GetFullPath(path))!, path);
    }

    /// <summary>Checks a folder that is to be written to.</summary>
    /// <param name="option">The option that errors name.</param>
    /// <param name="folder">The folder; it is made later where it is not there. Null where none was asked for.</param>
    /// <param name="path">What errors call it.</param>
    /// <exception cref="CladoException">It cannot be written to.</exception>
    public static void CheckFolder(string option, string? folder, string? path = null)
    {
        if (folder is null)
        {
            return;
        }
        var there = Path.GetFullPath(folder);
        while (!Path.Exists(there))
        {
            there = Path.GetDirectoryName(there)!;
        }
        if (!Directory.Exists(there))
        {
            throw new CladoException($"{option} {path ?? folder}: {there} is a file, no folder; give another place");
        }
        try
        {
            // Whether a folder can be written to nobody knows but who tries: rights, full and read-only disks, quotas.
            new StagedFile(Path.Combine(there, ".clado"), _ => { }).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CladoException(
                $"{option} {path ?? folder}: nothing can be written in {there}, which is read-only or not yours; give another place", e);
        }
    }

    /// <summary>Checks that a file that is to be written is none of those a run folder is made of.</summary>
    /// <param name="option">The option that errors name.</param>
    /// <param name="path">The file; null where none was asked for.</param>
    /// <param name="run">The run folder.</param>
    /// <exception cref="CladoException">It is one.</exception>
    public static void CheckOutsideRun(string option, string? path, string? run)
    {
        if (path is not null && run is not null && IsIn(path, run)
            && (RunTables.Contains(Path.GetFileName(path)) || RunTypes.Contains(Path.GetExtension(path))))
        {
            throw new CladoException($"{option} {path}: is a file of the run folder itself; give another file");
        }
    }

    /// <summary>Checks that a file that is to be written would not be taken for one of a set of images.</summary>
    /// <param name="option">The option that errors name.</param>
    /// <param name="path">The file; null where none was asked for.</param>
    /// <param name="images">The images' folder, or null.</param>
    /// <exception cref="CladoException">It would.</exception>
    public static void CheckOutsideImages(string option, string? path, string? images)
    {
        if (path is not null && images is not null && FolderPath.Holds(Path.GetFullPath(images), Path.GetFullPath(path))
            && (FolderScan.IsImage(path) || ImageTables.Contains(Path.GetFileName(path))))
        {
            throw new CladoException($"{option} {path}: would be one of the images in {images}; give another file");
        }
    }

    /// <summary>Removes the files that are being written at this moment, for a program that ends without finishing them.</summary>
    /// <param name="end">Called at last; no file is begun before it returns.</param>
    public static void Abandon(Action end) => AtomicFile.Abandon(end);

    private static bool IsIn(string path, string folder) =>
        Path.GetDirectoryName(Path.GetFullPath(path)) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
}
