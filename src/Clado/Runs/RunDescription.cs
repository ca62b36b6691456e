using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Clado.Activations;
using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx.Upgrade;
using Clado.Rounding;
using Clado.Sensitivity;

namespace Clado.Runs;

/// <summary>What a run folder was measured with: the contents of <c>run.json</c>.</summary>
internal sealed record RunDescription
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        WriteIndented = true,
    };

    // Where files lie and how models are written does not change what is measured; which images are taken, and of which classes, is in
    // their hash.
    private static readonly string[] Free =
    [
        "modelPath", "imagesPath", "imagesFound", "limit", "seed", "labelOffset", "activations", "ranges", "opset", "keepNames",
        "batchSize", "taskReason",
    ];

    /// <summary>The loss is chosen by the network.</summary>
    public const string Automatic = "auto";

    /// <summary>Rows (output channels) may have widths of their own.</summary>
    public const string Row = "row";

    private const string Cuda = "cuda";

    private const string Float = "float", Int8 = "8", Auto = "auto", Keep = "keep";

    private static readonly Dictionary<string, ActivationFormat> Formats = new()
    {
        [Float] = ActivationFormat.Float,
        [Int8] = ActivationFormat.Int8,
        [Auto] = ActivationFormat.Auto,
        [Keep] = ActivationFormat.Keep,
    };

    // Names of the command line.
    private static readonly Dictionary<string, RangeMethod> Methods = new()
    {
        ["mse"] = RangeMethod.LeastSquares,
        ["percentile"] = RangeMethod.Percentile,
        ["minmax"] = RangeMethod.MinMax,
    };

    public required string ModelPath { get; init; }

    public required string ModelSha256 { get; init; }

    /// <summary>The image input; null where the model has no other.</summary>
    public string? Input { get; init; }

    /// <summary>Values of other inputs, as <see cref="InputOptions.Parse"/> reads them.</summary>
    public string[] Set { get; init; } = [];

    /// <summary>
    /// The shape it was measured with, as <see cref="InputOptions.Parse"/> reads it; null where the model's file leaves nothing but the
    /// batch free, and in runs of versions that took the usual size.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? InputShape { get; init; }

    /// <summary>What the network was measured for; null where its structure alone says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Task { get; init; }

    /// <summary>Whether its outputs were found to be probabilities that no Softmax of the graph gives.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool HoldsProbabilities { get; init; }

    /// <summary>Why it was measured for its task; null where its structure alone says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TaskReason { get; init; }

    public required string ImagesPath { get; init; }

    public required string ImagesSha256 { get; init; }

    public required int ImageCount { get; init; }

    /// <summary>
    /// How many images the folder had, those left out included; null in runs of versions that did not say. Range: [images, inf).
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ImagesFound { get; init; }

    /// <summary>Images used at most; null for all.</summary>
    public required int? Limit { get; init; }

    public required int Seed { get; init; }

    /// <summary>What is added to the images' class indices.</summary>
    public int LabelOffset { get; init; }

    public required string Preprocessing { get; init; }

    public required int[] Bits { get; init; }

    public required string[] Pins { get; init; }

    public required bool Equalize { get; init; }

    public required string Rounding { get; init; }

    public required string Estimator { get; init; }

    public required string Loss { get; init; }

    /// <summary>Row where rows (output channels) may have widths of their own; null where every layer has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Granularity { get; init; }

    /// <summary>Whether rows may have widths of their own.</summary>
    [JsonIgnore]
    public bool MixesRows => Granularity is not null;

    /// <summary>Whether rows (output channels) were measured too.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Rows { get; init; }

    public required string Activations { get; init; }

    /// <summary>How ranges of 8-bit activations are chosen: mse, percentile or minmax.</summary>
    public string Ranges { get; init; } = "mse";

    /// <summary>What activations are while sensitivities are measured: float or 8.</summary>
    public string MeasuredActivations { get; init; } = "float";

    /// <summary>Whether the grids of the model's activations are removed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Requantize { get; init; }

    /// <summary>Where losses were measured, as on the command line; null for the processor.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Provider { get; init; }

    public int Opset { get; init; } = OpsetUpgrade.TargetOpset;

    /// <summary>Whether files have the names of the model.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool KeepNames { get; init; }

    /// <summary>
    /// Images a batch when sensitivities are measured; null until that begins. It may change last bits, so whoever goes on keeps it; but
    /// another machine may choose otherwise for a folder of its own. Range: [1, inf).
    /// </summary>
    public int? BatchSize { get; init; }

    public required string CladoVersion { get; init; }

    public required string OnnxRuntimeVersion { get; init; }

    /// <summary>Version of this library.</summary>
    public static string Version { get; } = typeof(RunDescription).Assembly.GetCustomAttribute<AssemblyFileVersionAttribute>()!.Version;

    /// <summary>Which input is the image, and values of the others.</summary>
    public InputOptions Inputs() => InputOptions.Parse(Input, Set, shape: InputShape) with { LooksForSize = false };

    /// <summary>What becomes of activations where nobody says.</summary>
    public ActivationOptions WrittenActivations() => new() { Format = Formats[Activations], Ranges = Methods[Ranges] };

    /// <summary>Name of a way to choose ranges, as on the command line.</summary>
    public static string NameOf(RangeMethod method) => Methods.First(m => m.Value == method).Key;

    /// <summary>Name of where losses are measured; null for the processor.</summary>
    public static string? NameOf(Provider provider) => provider == Execution.Provider.Cuda ? Cuda : null;

    /// <summary>Where losses are measured.</summary>
    public Provider MeasuredOn() => Provider is null ? Execution.Provider.Cpu : Execution.Provider.Cuda;

    /// <summary>Estimator and loss.</summary>
    public SensitivityOptions Sensitivity() => new() { Estimator = Estimator, Loss = Loss == Automatic ? null : Loss };

    /// <summary>Whether losses were measured with activations in floats.</summary>
    [JsonIgnore]
    public bool MeasuresFloats => MeasuredActivations == Float;

    /// <summary>Whether candidates were fitted to the run's images.</summary>
    [JsonIgnore]
    public bool RoundsOnImages => RoundingMethods.LooksAtImages(Rounding);

    /// <summary>Hexadecimal digits that differ between any two measurements that must not share a folder. Shape: 64 digits.</summary>
    public string Fingerprint()
    {
        var text = string.Join('\n', Compared().Select(p => $"{p.Key}={p.Value?.ToJsonString()}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The first eight digits of <see cref="Fingerprint"/>.</summary>
    public string Key() => Fingerprint()[..8];

    /// <summary>What differs between two descriptions, in words; empty where they agree.</summary>
    public string[] Differences(RunDescription other)
    {
        var (ours, theirs) = (Compared().ToDictionary(), other.Compared().ToDictionary());
        string Text(JsonNode? value) => value?.ToJsonString() ?? "nothing";
        return [.. ours.Keys.Union(theirs.Keys).Select(key => (key, Now: ours.GetValueOrDefault(key), There: theirs.GetValueOrDefault(key)))
            .Where(p => !JsonNode.DeepEquals(p.Now, p.There))
            .Select(p => $"{p.key} (there {Text(p.There)}, now {Text(p.Now)})")];
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <summary>Reads what <see cref="ToJson"/> writes.</summary>
    /// <exception cref="JsonException">It is something else, or has values that no run can have.</exception>
    public static RunDescription FromJson(string text)
    {
        var read = JsonSerializer.Deserialize<RunDescription>(text, Json) ?? throw new JsonException("empty");
        return read.Impossible() is { } name ? throw new JsonException($"no run can have this {name}") : read;
    }

    /// <summary>Name of a property that no run can have as it is, or null.</summary>
    private string? Impossible() =>
        !IsPath(ModelPath) ? "modelPath" : !IsPath(ImagesPath) ? "imagesPath"
        : !IsHash(ModelSha256) ? "modelSha256" : !IsHash(ImagesSha256) ? "imagesSha256"
        : ImageCount < 1 ? "imageCount" : ImagesFound < ImageCount ? "imagesFound" : Limit is < 1 ? "limit" : BatchSize is < 1 ? "batchSize"
        : Bits.Length == 0 || Bits.Any(b => b is < 2 or > 8) || !Bits.SequenceEqual(Bits.Distinct().Order()) ? "bits"
        : Pins.Any(pin => pin is null) ? "pins" : Set.Any(setting => setting is null) ? "set"
        : InputShape is not null && !IsShape(InputShape) ? "inputShape"
        : Task is not null && (!TaskDecision.Names.Contains(Task) || TaskReason is null) ? "task"
        : !SensitivityOptions.Estimators.Contains(Estimator) ? "estimator"
        : Loss != Automatic && !SensitivityOptions.Losses.Contains(Loss) ? "loss"
        : Granularity is not (null or Row) ? "granularity"
        : !Formats.ContainsKey(Activations) ? "activations" : MeasuredActivations is not (Float or Int8) ? "measuredActivations"
        : !Methods.ContainsKey(Ranges) ? "ranges" : Provider is not (null or Cuda) ? "provider"
        : Opset is not (OpsetUpgrade.TargetOpset or OpsetUpgrade.EarlierOpset) ? "opset"
        : null;

    private static bool IsShape(string text)
    {
        try
        {
            return InputText.Shape(text) is [_, .. { Length: > 0 } sides] && sides.All(dim => dim is not null);
        }
        catch (CladoException)
        {
            return false;
        }
    }

    private static bool IsPath(string text) => text.Length > 0 && !text.Contains('\0');

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>Name of a format, as on the command line.</summary>
    public static string NameOf(ActivationFormat format) => Formats.First(f => f.Value == format).Key;

    private IEnumerable<KeyValuePair<string, JsonNode?>> Compared() =>
        JsonSerializer.SerializeToNode(this, Json)!.AsObject().Where(p => !Free.Contains(p.Key));
}
