using System.Collections.ObjectModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using Clado.Graphs;

namespace Clado.Images;

/// <summary>
/// How pixels become the network's input: <c>(pixel · scale − mean) / std</c> a channel, pixel in 0–255. A network that takes bytes gets
/// this rounded to 0–255; or the pixels as they are, where less than 16 values would be left, as of what is meant for floats.
/// </summary>
public sealed record Preprocessing
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private static readonly Dictionary<string, Preprocessing> Presets = new()
    {
        ["imagenet"] = new() { Scale = 1 / 255f, Mean = [0.485f, 0.456f, 0.406f], Std = [0.229f, 0.224f, 0.225f] },
        ["cifar10"] = new() { Scale = 1 / 255f, Mean = [0.4914f, 0.4822f, 0.4465f], Std = [0.2023f, 0.1994f, 0.2010f] },
        ["unit"] = new() { Scale = 1 / 255f },
        ["tf"] = new() { Scale = 1 / 127.5f, Mean = [1] },
        ["raw255"] = new() { Scale = 1 },
    };

    // Presets for floats leave 2 to 5, what is meant for bytes nearly all.
    private const int FewestLevels = 16;

    /// <summary>Names of the presets.</summary>
    public static IEnumerable<string> PresetNames => Presets.Keys;

    /// <summary>Factor on the pixel value. Range: not 0, finite.</summary>
    public float Scale
    {
        get;
        init => field = float.IsFinite(value) && value != 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Scale), "scale must be finite and not 0");
    } = 1 / 255f;

    /// <summary>Subtracted after scaling. Shape: [channels] or [1].</summary>
    public IReadOnlyList<float> Mean { get; init => field = Copied(value, nameof(Mean), nonZero: false); } = [0];

    /// <summary>Divided by at the end. Shape: [channels] or [1]. Range: not 0.</summary>
    public IReadOnlyList<float> Std { get; init => field = Copied(value, nameof(Std), nonZero: true); } = [1];

    /// <summary>Order of the channels the network takes.</summary>
    public ChannelOrder Channels { get; init; } = ChannelOrder.Rgb;

    /// <summary>Where the channels lie; null to tell from the input's shape.</summary>
    public ChannelLayout? Layout { get; init; }

    /// <summary>
    /// Height and width of the network's input, or one number for both, where the model's file leaves them free; null where nobody says.
    /// Shape: [2] or [1]. Range: [1, 16384].
    /// </summary>
    public IReadOnlyList<int>? Size
    {
        get;
        init => field = value is null || (value.Count is 1 or 2 && value.All(side => InputText.IsSide(side)))
            ? value is null ? null : Array.AsReadOnly(value.ToArray())
            : throw new ArgumentOutOfRangeException(nameof(Size), "size wants one or two numbers in 1–16384");
    }

    /// <summary>Short side an image is scaled to before the crop, in pixels; null for the input's side × 256/224.</summary>
    public int? Resize
    {
        get;
        init => field = value is null or (>= 1 and <= 16384)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Resize), "resize must lie in 1–16384");
    }

    /// <summary>Whether the centre is cropped out of the scaled image. Else the whole image is stretched to the input's size.</summary>
    public bool Crop { get; init; } = true;

    /// <summary>
    /// What becomes of pixels where the network takes bytes: values rounded to the nearest, 0 to 255; and the pixels as they are where
    /// next to nothing would be left of them, as by what is meant for networks that take numbers around 0.
    /// </summary>
    /// <param name="takesBytes">Whether the network takes bytes; else nothing changes.</param>
    internal Preprocessing For(bool takesBytes) => takesBytes && Channelwise().Any(c => LevelsLeft(c.Mean, c.Std) < FewestLevels)
        ? this with { Scale = 1, Mean = [0], Std = [1] }
        : this;

    /// <summary>A preset, or a JSON file with any of this record's properties in camelCase.</summary>
    /// <param name="nameOrFile">Name of a preset or path of a <c>.json</c> file.</param>
    /// <exception cref="ImageFormatException">There is no such preset or file, or the file has something else in it.</exception>
    public static Preprocessing Parse(string nameOrFile)
    {
        if (Presets.TryGetValue(nameOrFile, out var preset))
        {
            return preset;
        }
        if (!File.Exists(nameOrFile))
        {
            throw new ImageFormatException(nameOrFile, $"is neither a preset ({string.Join(", ", PresetNames)}) nor a JSON file");
        }
        return InputFile.IsRegular(nameOrFile)
            ? FromJson(File.ReadAllText(nameOrFile), nameOrFile)
            : throw new ImageFormatException(nameOrFile, $"{InputFile.Problem(nameOrFile)}; give a JSON file");
    }

    /// <summary>Reads settings from JSON.</summary>
    /// <param name="json">An object with any of this record's properties in camelCase.</param>
    /// <param name="file">Path that errors name.</param>
    internal static Preprocessing FromJson(string json, string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Preprocessing>(json, Json)
                ?? throw new ImageFormatException(file, "is empty; an object such as {\"scale\": 1} is wanted");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new ImageFormatException(file, $"not a preprocessing file ({CladoException.Plain(e)}); properties are scale, mean, std, "
                + "channels (Rgb, Bgr, Gray), layout (Nchw, Nhwc), size, resize, crop", e);
        }
    }

    /// <summary>What a network's input gets, where its file leaves the size free and these settings know it.</summary>
    /// <param name="inputs">What is said of its inputs.</param>
    internal InputOptions Suggest(InputOptions inputs) =>
        Size is { } size ? inputs with { Likely = new(size[0], size[^1], "as the preprocessing says") } : inputs;

    /// <summary>The settings as one line of JSON: what a run folder remembers.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Name of the preset that gives this JSON, or null.</summary>
    internal static string? NameOf(string json) => Presets.FirstOrDefault(preset => preset.Value.ToJson() == json).Key;

    private IEnumerable<(float Mean, float Std)> Channelwise() => Enumerable.Range(0, Math.Max(Mean.Count, Std.Count))
        .Select(c => (Mean[Math.Min(c, Mean.Count - 1)], Std[Math.Min(c, Std.Count - 1)]));

    /// <summary>Bytes that are left of the 256 values of a pixel.</summary>
    private int LevelsLeft(float mean, float std) =>
        Enumerable.Range(0, 256).Select(pixel => ImageTensor.ByteOf(((pixel * Scale) - mean) / std)).Distinct().Count();

    /// <summary>Values of its own, which nobody can change; those of whoever gave them may change later.</summary>
    private static ReadOnlyCollection<float> Copied(IReadOnlyList<float>? values, string name, bool nonZero) =>
        values is { Count: >= 1 and <= 4 } && values.All(v => float.IsFinite(v) && !(nonZero && v == 0))
            ? Array.AsReadOnly(values.ToArray())
            : throw new ArgumentOutOfRangeException(
                name, $"{name.ToLowerInvariant()} wants 1 to 4 finite numbers{(nonZero ? ", none of them 0" : "")}");
}

/// <summary>Order of an image's channels.</summary>
public enum ChannelOrder
{
    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Blue, green, red.</summary>
    Bgr,

    /// <summary>One channel of luma (Rec. 601: 0.299 R + 0.587 G + 0.114 B).</summary>
    Gray,
}

/// <summary>Where the channels of the input tensor lie.</summary>
public enum ChannelLayout
{
    /// <summary>[batch, channels, height, width].</summary>
    Nchw,

    /// <summary>[batch, height, width, channels].</summary>
    Nhwc,
}
