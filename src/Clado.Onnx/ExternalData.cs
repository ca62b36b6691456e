using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using static System.FormattableString;

namespace Clado.Onnx;

/// <summary>
/// Tensors whose bytes lie in a file beside the model. The file must be inside the model's folder: models are untrusted input.
/// </summary>
internal static class ExternalData
{
    // Tensors below this stay in the model: their name and place would take as much.
    private const int SmallestBytes = 1024;

    // What memory mapping asks for.
    private const int Alignment = 4096;

    private const string Location = "location";

    /// <summary>
    /// What a tensor outside the model takes at most beside its bytes: a place that is aligned, and a file's name and two numbers.
    /// </summary>
    public const long LargestOverheadBytes = Alignment + 512;

    /// <summary>Writes the bytes of a model's larger initializers to a file beside it, named by its contents.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">Where the model will be written.</param>
    /// <returns>
    /// A model that refers to the file, and the file's path and size in bytes. The file is unfinished until the model is written.
    /// </returns>
    public static (ModelProto Model, (string Path, long SizeBytes) Data) Detach(ModelProto model, string path)
    {
        var detached = model.Clone();
        TensorProto[] tensors = [.. detached.Graph.Initializer.Where(IsLarge)];
        long end = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = new StagedFile(path + ".data", stream =>
        {
            void Append(ReadOnlySpan<byte> bytes)
            {
                stream.Write(bytes);
                hash.AppendData(bytes);
                end += bytes.Length;
            }

            foreach (var tensor in tensors)
            {
                Append(new byte[((end + Alignment - 1) / Alignment * Alignment) - end]);
                Refer(tensor, "", end);
                Append(tensor.RawData.Span);
                tensor.ClearRawData();
            }
        });
        var data = $"{path}.{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8))}.data";
        foreach (var tensor in tensors)
        {
            tensor.ExternalData.First(e => e.Key == Location).Value = Path.GetFileName(data);
        }
        file.Pass(data);
        return (detached, (data, end));
    }

    /// <summary>Whether a tensor's bytes are worth a place outside the model.</summary>
    public static bool IsLarge(TensorProto tensor) => tensor.RawData.Length >= SmallestBytes;

    /// <summary>Says where a tensor's bytes lie; they stay in the tensor until they are cleared.</summary>
    public static void Refer(TensorProto tensor, string file, long offset)
    {
        tensor.ExternalData.Clear();
        foreach (var (key, value) in new[] { (Location, file), ("offset", $"{offset}"), ("length", $"{tensor.RawData.Length}") })
        {
            tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        }
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
    }

    /// <summary>The files beside a model that its tensors' bytes lie in. Nothing but the model is opened.</summary>
    /// <param name="modelPath">Path of the model.</param>
    /// <returns>Their paths, absolute; none where there is no model that can be read.</returns>
    public static IReadOnlyList<string> Files(string modelPath)
    {
        if (InputFile.Problem(modelPath) is not null || new FileInfo(modelPath).Length > Array.MaxLength)
        {
            return [];
        }
        try
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
            var locations = OnnxFile.Parse(modelPath, File.ReadAllBytes(modelPath)).Tensors().Where(IsApart)
                .SelectMany(tensor => tensor.ExternalData).Where(entry => entry.Key == Location).Select(entry => entry.Value).Distinct();
            return [.. locations.Select(location => Path.GetFullPath(Path.Combine(folder, location)))];
        }
        catch (Exception e) when (e is CladoException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return [];
        }
    }

    /// <summary>Reads the tensor's bytes into <see cref="TensorProto.RawData"/>; does nothing where they are there already.</summary>
    public static void Embed(string modelPath, TensorProto tensor)
    {
        if (!IsApart(tensor))
        {
            return;
        }
        var entries = tensor.ExternalData.GroupBy(e => e.Key).ToDictionary(g => g.Key, g => g.Last().Value);
        var location = entries.GetValueOrDefault(Location)
            ?? throw Error("external data without a location; save the model again");
        var file = new FileInfo(Resolve(modelPath, tensor.Name, location));
        if (!file.Exists)
        {
            throw Error($"its data file '{location}' is missing; put it beside the model");
        }
        if (InputFile.Problem(file.FullName) is { } problem)
        {
            throw Error($"its data file '{location}': {problem}; put the file itself beside the model");
        }
        long offset = Number("offset", 0);
        long length = Number("length", file.Length - offset);
        long wanted = TensorData.SizeBytes(modelPath, tensor);
        if (offset < 0 || offset > file.Length || length < 0 || length > file.Length - offset || length != wanted)
        {
            throw Error(Invariant($"data file '{location}' has {file.Length:N0} bytes; the tensor wants {wanted:N0} ")
                + Invariant($"and names {length:N0} at offset {offset:N0}; save the model again"));
        }
        if (length > Array.MaxLength)
        {
            throw Error(Invariant($"has {length:N0} bytes; tensors of up to {Array.MaxLength:N0} can be read. ")
                + "Split it, or keep it out of the model");
        }
        tensor.RawData = Read(file, offset, length);
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();

        long Number(string key, long otherwise) =>
            !entries.TryGetValue(key, out var text) ? otherwise
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value
            : throw Error($"external data has {key} '{text}', which is no number");

        OnnxFormatException Error(string problem) => new(modelPath, problem, tensor: tensor.Name);
    }

    private static bool IsApart(TensorProto tensor) => tensor.DataLocation == TensorProto.Types.DataLocation.External;

    private static ByteString Read(FileInfo file, long offset, long length)
    {
        using var stream = file.OpenRead();
        stream.Seek(offset, SeekOrigin.Begin);
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    private static string Resolve(string modelPath, string tensor, string location)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
        var path = Path.GetFullPath(Path.Combine(folder, location));
        if (Path.IsPathRooted(location) || !FolderPath.Holds(folder, path) || !FolderPath.Holds(RealPath(folder), RealPath(path)))
        {
            throw new OnnxFormatException(modelPath, $"its data file '{location}' lies outside the model's folder, which is refused; "
                + "move the file beside the model and save the model again", tensor: tensor);
        }
        return path;
    }

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
        return info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is { } target
            ? RealPath(target.FullName)
            : here;
    }
}
