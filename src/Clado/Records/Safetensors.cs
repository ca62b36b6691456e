using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using static System.FormattableString;

namespace Clado.Records;

/// <summary>
/// Named arrays in the safetensors layout: 8 bytes of header length, a JSON header (type, shape, offsets, text metadata), then the data,
/// little endian. Python's safetensors package and others read it.
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
    /// <param name="name">Its name.</param>
    /// <param name="count">Elements it must have. Range: [0, inf).</param>
    /// <exception cref="InvalidDataException">There is no such array of that type and size.</exception>
    public T[] Get<T>(string name, long count) where T : unmanaged
    {
        var tensor = tensors.FirstOrDefault(t => t.Name == name && t.Type == TypeName<T>());
        var values = tensor.Data is null ? null : MemoryMarshal.Cast<byte, T>(tensor.Data);
        return tensor.Data is null ? throw new InvalidDataException($"no {TypeName<T>()} array '{name}'")
            : values.Length != count ? throw new InvalidDataException($"{values.Length} elements in '{name}', where {count} are wanted")
            : values.ToArray();
    }

    /// <summary>Elements of an array; 0 where there is none.</summary>
    public long Count(string name) =>
        tensors.FirstOrDefault(t => t.Name == name) is { Shape: { } shape } ? shape.Aggregate(1L, (a, b) => a * b) : 0;

    public void Write(Stream stream)
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
    }

    /// <summary>
    /// Reads a whole file. Nothing in it is believed: arrays lie one after the other, fill the file, and have as many bytes as their shapes
    /// say.
    /// </summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    /// <exception cref="JsonException">Its header is no JSON.</exception>
    public static Safetensors Read(Stream stream)
    {
        var prefix = new byte[8];
        stream.ReadExactly(prefix);
        long length = BinaryPrimitives.ReadInt64LittleEndian(prefix), left = stream.Length - 8;
        if (length is < 0 or > LongestHeaderBytes || length > left)
        {
            throw new InvalidDataException($"a header of {length} bytes in a file of {stream.Length}");
        }
        left -= length;
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        var file = new Safetensors();
        using var header = JsonDocument.Parse(bytes);
        long end = 0;
        foreach (var entry in header.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                foreach (var pair in entry.Value.EnumerateObject())
                {
                    file.metadata[pair.Name] = pair.Value.GetString() ?? throw new InvalidDataException($"no text for '{pair.Name}'");
                }
                continue;
            }
            var type = entry.Value.GetProperty("dtype").GetString() ?? "";
            var (shape, offsets) = (Numbers(entry.Value, "shape"), Numbers(entry.Value, "data_offsets"));
            long size = shape.Aggregate(BytesOf(type), (product, dim) => checked(product * dim));
            if (offsets is not [var from, var to] || from != end || to - from != size || size > left || size > Array.MaxLength)
            {
                throw new InvalidDataException($"array '{entry.Name}' of {size} bytes at {Text(offsets)}, with {left} bytes left");
            }
            (end, left) = (to, left - size);
            var data = new byte[size];
            stream.ReadExactly(data);
            file.tensors.Add((entry.Name, type, shape, data));
        }
        return left == 0 ? file : throw new InvalidDataException($"{left} bytes too many");
    }

    private static long[] Numbers(JsonElement entry, string name)
    {
        long[] numbers = [.. entry.GetProperty(name).EnumerateArray().Select(d => d.GetInt64())];
        return numbers.All(d => d >= 0) ? numbers : throw new InvalidDataException($"{name} {Text(numbers)}");
    }

    private static long BytesOf(string type) => type switch
    {
        "F32" => sizeof(float),
        "F64" => sizeof(double),
        "I8" => sizeof(sbyte),
        _ => throw new InvalidDataException($"an array of type '{type}'"),
    };

    private static string TypeName<T>() =>
        typeof(T) == typeof(float) ? "F32" : typeof(T) == typeof(double) ? "F64" : typeof(T) == typeof(sbyte) ? "I8"
        : throw new NotSupportedException(typeof(T).Name);

    private static string Text(IEnumerable<long> numbers) => $"[{string.Join(", ", numbers.Select(n => Invariant($"{n}")))}]";
}
