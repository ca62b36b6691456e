using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Clado.Activations;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx.Upgrade;
using Clado.Sensitivity;

namespace Clado.Runs;

/// <summary>What a run folder was measured with: the contents of <c>run.json</c>.</summary>
internal sealed record RunDescription
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    // Where files lie and how models are written does not change what is measured; which images are taken is in their hash.
    private static readonly string[] Free = ["modelPath", "imagesPath", "limit", "seed", "activations", "opset"];

    private const string Automatic = "auto";

    public required string ModelPath { get; init; }

    public required string ModelSha256 { get; init; }

    /// <summary>The image input; null where the model has no other.</summary>
    public string? Input { get; init; }

    /// <summary>Values of other inputs, as <see cref="InputOptions.Parse"/> reads them.</summary>
    public string[] Set { get; init; } = [];

    public required string ImagesPath { get; init; }

    public required string ImagesSha256 { get; init; }

    public required int ImageCount { get; init; }

    public required int? Limit { get; init; }

    public required int Seed { get; init; }

    public required string Preprocessing { get; init; }

    public required int[] Bits { get; init; }

    public required string[] Pins { get; init; }

    public required bool Equalize { get; init; }

    public required string Rounding { get; init; }

    public required string Estimator { get; init; }

    public required string Loss { get; init; }

    public required string Activations { get; init; }

    /// <summary>What activations are while sensitivities are measured: float or 8.</summary>
    public string MeasuredActivations { get; init; } = "float";

    public int Opset { get; init; } = OpsetUpgrade.TargetOpset;

    public required string CladoVersion { get; init; }

    public required string OnnxRuntimeVersion { get; init; }

    public static RunDescription Of(PipelineOptions options, Graph graph, ImageSet images) => new()
    {
        ModelPath = Path.GetFullPath(options.Model),
        ModelSha256 = graph.Hash,
        Input = graph.Inputs.Constants.Count > 0 ? graph.Input : null,
        Set = options.Inputs.Settings(),
        ImagesPath = Path.GetFullPath(options.Images),
        ImagesSha256 = images.ComputeHash(),
        ImageCount = images.Items.Count,
        Limit = options.Limit,
        Seed = options.Seed,
        Preprocessing = options.Preprocessing.ToJson(),
        Bits = [.. options.Bits],
        Pins = [.. options.Pins],
        Equalize = options.Equalize,
        Rounding = options.Rounding.Name + (options.Rounding.NeedsInputs && options.QuantizedInputs ? " on quantized inputs" : ""),
        Estimator = options.Sensitivity.Estimator,
        Loss = options.Sensitivity.Loss ?? Automatic,
        Activations = NameOf(options.Activations.Format),
        MeasuredActivations = NameOf(options.MeasuredActivations),
        Opset = options.Opset,
        CladoVersion = typeof(RunDescription).Assembly.GetCustomAttribute<AssemblyFileVersionAttribute>()!.Version,
        OnnxRuntimeVersion = OrtRuntime.Version,
    };

    /// <summary>Which input is the image, and values of the others.</summary>
    public InputOptions Inputs() => InputOptions.Parse(Input, Set);

    /// <summary>What becomes of activations where nobody says.</summary>
    public ActivationOptions WrittenActivations() => new() { Format = Activations == "float" ? ActivationFormat.Float : ActivationFormat.Int8 };

    /// <summary>Estimator and loss, with threads and memory of others.</summary>
    public SensitivityOptions Sensitivity(SensitivityOptions resources) => resources with { Estimator = Estimator, Loss = Loss == Automatic ? null : Loss };

    /// <summary>Whether candidates were fitted to the run's images.</summary>
    [JsonIgnore]
    public bool RoundsOnImages => Rounding != new NearestRounding().Name;

    /// <summary>Eight hexadecimal digits that differ between any two measurements that must not share a folder.</summary>
    public string Key()
    {
        var text = string.Join('\n', Compared().Select(p => $"{p.Key}={p.Value?.ToJsonString()}"));
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)))[..8];
    }

    /// <summary>What differs between two descriptions, in words; empty where they agree.</summary>
    public string[] Differences(RunDescription other)
    {
        var theirs = other.Compared().ToDictionary();
        return [.. Compared().Where(p => !JsonNode.DeepEquals(p.Value, theirs[p.Key]))
            .Select(p => $"{p.Key} (there {theirs[p.Key]?.ToJsonString()}, now {p.Value?.ToJsonString()})")];
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    public static RunDescription FromJson(string text) => JsonSerializer.Deserialize<RunDescription>(text, Json) ?? throw new JsonException("empty");

    private static string NameOf(ActivationFormat format) => format == ActivationFormat.Int8 ? "8" : "float";

    private IEnumerable<KeyValuePair<string, JsonNode?>> Compared() => JsonSerializer.SerializeToNode(this, Json)!.AsObject().Where(p => !Free.Contains(p.Key));
}
