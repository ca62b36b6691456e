using System.Text.RegularExpressions;

namespace Clado.Onnx;

/// <summary>
/// A model that is written whole beside its destination and not there yet: it can be run, and is only then given its name. A model too large for one file has its larger
/// initializers in a second one, <c>PATH.0123456789abcdef.data</c>, named by its contents. That one is there first, so a kill at any moment leaves the old model with its data, or the new
/// one with its own.
/// </summary>
public sealed class StagedModel : IDisposable
{
    private readonly string destination;
    private readonly StagedFile file;
    private readonly string? dataPath;
    private readonly bool isDataNew;
    private bool isCommitted;

    /// <summary>Writes a model beside its destination.</summary>
    /// <param name="model">The model to write.</param>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="maximumSizeBytes">What is too large for one file. Range: [0, <see cref="OnnxFile.MaximumSizeBytes"/>].</param>
    public StagedModel(ModelProto model, string path, long maximumSizeBytes)
    {
        ArgumentNullException.ThrowIfNull(model);
        destination = System.IO.Path.GetFullPath(path);
        SizeBytes = model.SizeBytes();
        if (SizeBytes <= maximumSizeBytes)
        {
            file = new StagedFile(destination, stream => Google.Protobuf.MessageExtensions.WriteTo(model, stream));
            return;
        }
        var (detached, data) = ExternalData.Detach(model, destination);
        (dataPath, isDataNew) = (data.Path, data.IsNew);
        try
        {
            file = new StagedFile(destination, stream => Google.Protobuf.MessageExtensions.WriteTo(detached, stream));
        }
        catch
        {
            RemoveData();
            throw;
        }
        SizeBytes = detached.CalculateSize() + data.SizeBytes;
    }

    /// <summary>Where the model lies until it is renamed.</summary>
    public string Path => file.Path;

    /// <summary>Size of the file in bytes, of both where there are two.</summary>
    public long SizeBytes { get; }

    /// <summary>Gives the model its name; one that is there is replaced, and its data removed.</summary>
    public void Commit()
    {
        file.Commit();
        isCommitted = true;
        var (folder, name) = (System.IO.Path.GetDirectoryName(destination)!, System.IO.Path.GetFileName(destination));
        foreach (var stale in Directory.EnumerateFiles(folder).Where(other => other != dataPath && IsDataOf(name, System.IO.Path.GetFileName(other))).ToArray())
        {
            File.Delete(stale);
        }
    }

    /// <summary>Deletes what was not renamed.</summary>
    public void Dispose()
    {
        file.Dispose();
        if (!isCommitted)
        {
            RemoveData();
        }
    }

    private void RemoveData()
    {
        if (dataPath is not null && isDataNew)
        {
            File.Delete(dataPath);
        }
    }

    private static bool IsDataOf(string model, string file) => Regex.IsMatch(file, $@"\A{Regex.Escape(model)}\.[0-9a-f]{{16}}\.data\z", RegexOptions.CultureInvariant);
}
