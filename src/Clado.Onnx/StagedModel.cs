using System.Text.RegularExpressions;

namespace Clado.Onnx;

/// <summary>
/// A model that is written whole beside its destination and not there yet: it can be run, and is only then given its name.
/// A model too large for one file has its larger initializers in a second one, <c>PATH.0123456789abcdef.data</c>, named by its contents.
/// The second one is there first, so a kill at any moment leaves the old model with its data, or the new one with its own.
/// </summary>
internal sealed class StagedModel : IDisposable
{
    private readonly string destination;
    private readonly StagedFile file;
    private readonly string? dataPath;

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
        dataPath = data.Path;
        try
        {
            file = new StagedFile(destination, stream => Google.Protobuf.MessageExtensions.WriteTo(detached, stream));
        }
        catch
        {
            ReleaseData();
            throw;
        }
        SizeBytes = detached.CalculateSize() + data.SizeBytes;
    }

    /// <summary>Where the model lies until it is renamed.</summary>
    public string Path => file.Path;

    /// <summary>Size of the file in bytes, of both where there are two.</summary>
    public long SizeBytes { get; }

    /// <summary>
    /// Gives the model its name. One that is there is replaced, and its data removed where no other model beside it has the same.
    /// </summary>
    public void Commit()
    {
        var folder = System.IO.Path.GetDirectoryName(destination)!;
        string[] others = [.. Directory.EnumerateFiles(folder).Where(other => other != dataPath && IsOwn(other))];
        // Of the model that is replaced: others lost theirs when they were renamed, and still want it.
        string[] replaced = others.Length > 0 ? [.. ExternalData.Files(destination).Intersect(others)] : [];
        file.Commit(with: dataPath);
        if (replaced.Length > 0)
        {
            var used = Directory.EnumerateFiles(folder, "*.onnx").SelectMany(ExternalData.Files).ToHashSet();
            Array.ForEach([.. replaced.Where(data => !used.Contains(data))], File.Delete);
        }
    }

    /// <summary>Deletes what was not renamed.</summary>
    public void Dispose()
    {
        file.Dispose();
        ReleaseData();
    }

    private void ReleaseData()
    {
        if (dataPath is not null)
        {
            AtomicFile.Release(dataPath);
        }
    }

    /// <summary>Whether data is of this class's making, for a model of this name.</summary>
    private bool IsOwn(string data) =>
        Regex.IsMatch(data, $@"\A{Regex.Escape(destination)}\.[0-9a-f]{{16}}\.data\z", RegexOptions.CultureInvariant);
}
