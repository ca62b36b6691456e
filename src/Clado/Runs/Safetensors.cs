using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Clado.Runs;

/// <summary>
/// Named arrays in the safetensors layout: 8 bytes of header length, a JSON header (type, shape, offsets, text metadata), then the data, little
/// endian. Python's safetensors package and others read it.
/// </summary>
internal sealed class Safetensors
{
    private const int LongestHeaderBytes = 100 << 20;

    private readonly List<(string Name, string Type, long[] Shape, byte[] Data)> tensors = [];
    private readonly Dictionary<string, string> metadata = [];

    /// <summary>Text kept beside the arrays.</summary>
    public IDictionary<string, string> Metadata => metadata;

    /// <summary>Adds an array of float, double or sbyte.</summary>
    public void Add<T>(string name, T[] values, params long[] shape) where T : unmanaged =>
        tensors.Add((name, TypeName<T>(), shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));

    /// <summary>Whether there is an array of that name.</summary>
    public bool Has(string name) => tensors.Exists(t => t.Name == name);

    /// <summary>The values of an array. Shape: row-major.</summary>
    public T[] Get<T>(string name) where T : unmanaged
    {
        var tensor = tensors.FirstOrDefault(t => t.Name == name && t.Type == TypeName<T>());
        return tensor.Data is null
            ? throw new InvalidDataException($"has no {TypeName<T>()} array '{name}'")
            : MemoryMarshal.Cast<byte, T>(tensor.Data).ToArray();
    }

    public void Write(string path) => AtomicFile.Write(path, stream =>
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("__metadata__");
            JsonSerializer.Serialize(writer, metadata);
            long offset = 0;
            foreach (var (name, type, shape, data) in tensors)
            {
                writer.WritePropertyName(name);
                JsonSerializer.Serialize(writer, new { dtype = type, shape, data_offsets = (long[])[offset, offset + data.Length] });
                offset += data.Length;
            }
            writer.WriteEndObject();
        }
        // The data starts at a multiple of eight bytes, so that readers can map it.
        var header = json.ToArray().Concat(Enumerable.Repeat((byte)' ', (int)(-json.Length & 7))).ToArray();
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        tensors.ForEach(t => stream.Write(t.Data));
    });

    public static Safetensors Read(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            long length = bytes.Length < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(bytes);
            if (length is < 0 or > LongestHeaderBytes || length > bytes.Length - 8)
            {
                throw new InvalidDataException("is not a whole safetensors file");
            }
            var file = new Safetensors();
            int start = 8 + (int)length;
            using var header = JsonDocument.Parse(bytes.AsMemory(8, (int)length));
            foreach (var entry in header.RootElement.EnumerateObject())
            {
                if (entry.Name == "__metadata__")
                {
                    foreach (var pair in entry.Value.EnumerateObject())
                    {
                        file.metadata[pair.Name] = pair.Value.GetString()!;
                    }
                    continue;
                }
                var offsets = entry.Value.GetProperty("data_offsets");
                long from = offsets[0].GetInt64(), to = offsets[1].GetInt64();
                if (from < 0 || to < from || to > bytes.Length - start)
                {
                    throw new InvalidDataException($"array '{entry.Name}' lies outside the file");
                }
                long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
                file.tensors.Add((entry.Name, entry.Value.GetProperty("dtype").GetString()!, shape, bytes[(start + (int)from)..(start + (int)to)]));
            }
            return file;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or InvalidDataException or IndexOutOfRangeException)
        {
            throw new RunFolderException(path, $"{e.Message}; remove it and measure again", e);
        }
    }

    private static string TypeName<T>() =>
        typeof(T) == typeof(float) ? "F32" : typeof(T) == typeof(double) ? "F64" : typeof(T) == typeof(sbyte) ? "I8"
        : throw new NotSupportedException(typeof(T).Name);
}
