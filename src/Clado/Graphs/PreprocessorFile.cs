using System.Text.Json;

namespace Clado.Graphs;

/// <summary>
/// The <c>preprocessor_config.json</c> that Hugging Face's libraries put beside a model, or above the folder of its ONNX files.
/// </summary>
internal static class PreprocessorFile
{
    private const string Name = "preprocessor_config.json";
    private const long LargestBytes = 1 << 20;

    /// <summary>The size it says; null where there is no such file, or it says none.</summary>
    /// <param name="model">Path of the model.</param>
    public static LikelySize? Find(string model)
    {
        if (!File.Exists(model) || Path.GetDirectoryName(Path.GetFullPath(model)) is not { } folder)
        {
            return null;
        }
        string?[] folders = [folder, Path.GetDirectoryName(folder)];
        var path = folders.OfType<string>().Select(own => Path.Combine(own, Name)).FirstOrDefault(InputFile.IsRegular);
        return path is null || new FileInfo(path).Length > LargestBytes ? null : Read(path);
    }

    private static LikelySize? Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllText(path));
            bool crops = !json.RootElement.TryGetProperty("do_center_crop", out var crop) || crop.ValueKind != JsonValueKind.False;
            string[] keys = crops ? ["crop_size", "size"] : ["size"];
            var size = keys.Select(key => json.RootElement.TryGetProperty(key, out var value) ? Size(value) : null)
                .FirstOrDefault(found => found is not null);
            return size is { } known ? new LikelySize(known.Height, known.Width, $"as {path} says") : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            // It is another program's, and nobody asked for it.
            return null;
        }
    }

    private static (int Height, int Width)? Size(JsonElement value)
    {
        int? Number(JsonElement side) => side.ValueKind == JsonValueKind.Number && side.TryGetInt32(out int number) ? number : null;
        int? Side(string key) =>
            value.ValueKind == JsonValueKind.Object ? value.TryGetProperty(key, out var side) ? Number(side) : null : Number(value);
        return Side("height") is { } height && Side("width") is { } width && InputText.IsSide(height) && InputText.IsSide(width)
            ? (height, width)
            : null;
    }
}
