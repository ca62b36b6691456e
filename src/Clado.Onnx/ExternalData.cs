using System.Globalization;
using Google.Protobuf;
using static System.FormattableString;

namespace Clado.Onnx;

/// <summary>Tensors whose bytes lie in a file beside the model. The file must be inside the model's folder: models are untrusted input.</summary>
internal static class ExternalData
{
    // Tensors below this stay in the model: their name and place would take as much.
    private const int SmallestBytes = 1024;

    // What memory mapping asks for.
    private const int Alignment = 4096;

    /// <summary>Writes the bytes of a model's larger initializers to a file beside it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">Where the model will be written.</param>
    /// <returns>A model that refers to the file, and the file's size in bytes.</returns>
    public static (ModelProto Model, long SizeBytes) Detach(ModelProto model, string path)
    {
        var location = Path.GetFileName(path) + ".data";
        var detached = model.Clone();
        long end = 0;
        AtomicFile.Write(path + ".data", stream =>
        {
            foreach (var tensor in detached.Graph.Initializer.Where(t => t.RawData.Length >= SmallestBytes))
            {
                long offset = (end + Alignment - 1) / Alignment * Alignment;
                stream.Write(new byte[offset - end]);
                stream.Write(tensor.RawData.Span);
                end = offset + tensor.RawData.Length;
                foreach (var (key, value) in new[] { ("location", location), ("offset", $"{offset}"), ("length", $"{tensor.RawData.Length}") })
                {
                    tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
                }
                tensor.DataLocation = TensorProto.Types.DataLocation.External;
                tensor.ClearRawData();
            }
        });
        return (detached, end);
    }

    /// <summary>Reads the tensor's bytes into <see cref="TensorProto.RawData"/>; does nothing where they are there already.</summary>
    public static void Embed(string modelPath, TensorProto tensor)
    {
        if (tensor.DataLocation != TensorProto.Types.DataLocation.External)
        {
            return;
        }
        var entries = tensor.ExternalData.GroupBy(e => e.Key).ToDictionary(g => g.Key, g => g.Last().Value);
        var location = entries.GetValueOrDefault("location")
            ?? throw new OnnxFormatException(modelPath, "external data without a location; save the model again", tensor: tensor.Name);
        var file = new FileInfo(Resolve(modelPath, tensor.Name, location));
        if (!file.Exists)
        {
            throw new OnnxFormatException(modelPath, $"its data file '{location}' is missing; put it beside the model", tensor: tensor.Name);
        }
        long offset = Number(entries, "offset", 0);
        long length = Number(entries, "length", file.Length - offset);
        long wanted = TensorData.SizeBytes(modelPath, tensor);
        if (offset < 0 || offset > file.Length || length < 0 || length > file.Length - offset || length != wanted)
        {
            throw new OnnxFormatException(modelPath, Invariant($"data file '{location}' has {file.Length:N0} bytes; the tensor wants {wanted:N0} ")
                + Invariant($"and names {length:N0} at offset {offset:N0}; save the model again"), tensor: tensor.Name);
        }
        using var stream = file.OpenRead();
        stream.Seek(offset, SeekOrigin.Begin);
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        tensor.RawData = UnsafeByteOperations.UnsafeWrap(bytes);
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();

        long Number(Dictionary<string, string> from, string key, long otherwise) =>
            !from.TryGetValue(key, out var text) ? otherwise
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value
            : throw new OnnxFormatException(modelPath, $"external data has {key} '{text}', which is no number", tensor: tensor.Name);
    }

    private static string Resolve(string modelPath, string tensor, string location)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
        var path = Path.GetFullPath(Path.Combine(folder, location));
        if (Path.IsPathRooted(location) || !IsInside(folder, path) || !IsInside(RealPath(folder), RealPath(path)))
        {
            throw new OnnxFormatException(modelPath, $"its data file '{location}' lies outside the model's folder, which is refused; "
                + "move the file beside the model and save the model again", tensor: tensor);
        }
        return path;
    }

    private static bool IsInside(string folder, string path) =>
        path.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>The path with every symbolic link on the way followed.</summary>
    private static string RealPath(string path)
    {
        var parent = Path.GetDirectoryName(path);
        if (parent is null)
        {
            return path;
        }
        var here = Path.Combine(RealPath(parent), Path.GetFileName(path));
        FileSystemInfo info = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
        return info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : here;
    }
}
