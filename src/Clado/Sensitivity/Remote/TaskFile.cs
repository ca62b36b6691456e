using System.Text.Json;
using System.Text.Json.Serialization;
using Clado.Graphs;
using Clado.Losses;

namespace Clado.Sensitivity.Remote;

/// <summary>
/// All that another machine must know of a task to measure its units, besides its model, its candidates and its images' pixels.
/// </summary>
internal sealed record TaskFile
{
    /// <summary>How it is written, and what else goes with it.</summary>
    internal static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
        IncludeFields = true,
    };

    /// <summary>Hash of the model in protobuf.</summary>
    public required string Model { get; init; }

    /// <summary>Hash of the candidates as <see cref="CandidateBytes"/> writes them.</summary>
    public required string Candidates { get; init; }

    /// <summary>What is known of the network besides its model.</summary>
    public required GraphState Graph { get; init; }

    /// <summary>How images become inputs: what tells the layout of their pixels.</summary>
    public required string Preprocessing { get; init; }

    /// <summary>The images, without their pixels. Shape: [images].</summary>
    public required IReadOnlyList<NamedImage> Images { get; init; }

    /// <summary>As in <see cref="MeasurementInputs"/>.</summary>
    public required string Part { get; init; }

    /// <summary>As in <see cref="MeasurementInputs"/>. Shape: [candidates].</summary>
    public required IReadOnlyList<int> Forward { get; init; }

    /// <summary>As in <see cref="MeasurementInputs"/>.</summary>
    public required bool Rows { get; init; }

    /// <summary>As in <see cref="MeasurementInputs"/>. Shape: [outputs].</summary>
    public IReadOnlyList<OutputScale>? Scales { get; init; }

    /// <summary>As in <see cref="MeasurementTask"/>. Shape: [layers].</summary>
    public required IReadOnlyList<int> OperatingPoint { get; init; }

    /// <summary>Name of the estimator that was asked for.</summary>
    public required string Estimator { get; init; }

    /// <summary>Name of the loss that was asked for, or null.</summary>
    public string? Loss { get; init; }

    /// <summary>Images a batch. Range: [1, inf).</summary>
    public required int BatchSize { get; init; }

    /// <summary>The file.</summary>
    /// <returns>Shape: [bytes].</returns>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Reads what <see cref="ToBytes"/> gives.</summary>
    /// <param name="bytes">Shape: [bytes].</param>
    /// <exception cref="JsonException">It is something else.</exception>
    public static TaskFile Read(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize<TaskFile>(bytes, Json) ?? throw new JsonException("empty");
}

/// <summary>An image, without its pixels.</summary>
/// <param name="Name">Path below its folder.</param>
/// <param name="Label">Class index, or null.</param>
internal sealed record NamedImage(string Name, int? Label);
