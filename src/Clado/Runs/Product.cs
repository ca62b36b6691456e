using System.Text.Json;
using Clado.Records;

namespace Clado.Runs;

/// <summary>What a stage found, as a file of the run folder.</summary>
/// <typeparam name="T">The product.</typeparam>
/// <param name="File">Name of the file.</param>
/// <param name="What">What the file is, for errors.</param>
/// <param name="Write">Writes the product.</param>
/// <param name="Read">Reads what was written; of all else it throws what <see cref="DamagedFileException"/> knows.</param>
internal sealed record Product<T>(string File, string What, Action<T, Stream> Write, Func<Stream, T> Read) where T : class
{
    /// <summary>A product that is JSON, with a line end.</summary>
    /// <param name="file">Name of the file.</param>
    /// <param name="what">What the file is, for errors.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="check">Gives the product, or throws where no stage can have found it.</param>
    public static Product<T> Json(string file, string what, JsonSerializerOptions options, Func<T, T> check) => new(
        file,
        what,
        (product, stream) =>
        {
            JsonSerializer.Serialize(stream, product, options);
            stream.WriteByte((byte)'\n');
        },
        stream => check(JsonSerializer.Deserialize<T>(stream, options) ?? throw new JsonException("empty")));
}
