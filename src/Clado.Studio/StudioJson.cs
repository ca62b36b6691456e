using System.Text.Json;
using Clado.Records;

namespace Clado.Studio;

/// <summary>What browser and studio say to each other.</summary>
internal static class StudioJson
{
    /// <summary>How it is written.</summary>
    public static JsonSerializerOptions Options => JsonText.Compact;
}

/// <summary>What is asked for.</summary>
/// <param name="Budget">Text of the budget.</param>
/// <param name="Forbidden">Widths that no layer may get. Shape: [widths].</param>
/// <param name="Pins">Width of layers that are pinned, by their position.</param>
/// <param name="BitOperations">Bit operations at most, or null.</param>
internal sealed record ChoiceRequest(
    string Budget, IReadOnlyList<int> Forbidden, IReadOnlyDictionary<int, int> Pins, long? BitOperations = null);

/// <summary>What is to be written.</summary>
/// <param name="Choice">Number of the choice.</param>
/// <param name="Name">Name of the file, in the studio's folder.</param>
/// <param name="Better">none, refine or tune.</param>
internal sealed record WriteRequest(int Choice, string Name, string Better);

/// <summary>An answer, or why there is none.</summary>
/// <param name="Problem">What is wrong, in a sentence; null where nothing is.</param>
internal record StudioAnswer(string? Problem = null);

/// <summary>A choice.</summary>
/// <param name="Choice">Its number.</param>
/// <param name="SizeBytes">Bytes of the file.</param>
/// <param name="BitsPerWeight">Mean bits.</param>
/// <param name="PredictedLoss">Loss increase that the matrix predicts.</param>
/// <param name="IsProven">Whether no other that keeps the limits is better by the matrix.</param>
/// <param name="Gap">By which share of it another may be better at most; null where nothing is known.</param>
/// <param name="BitOperations">Bit operations an image.</param>
/// <param name="Bits">Bits of the layers. Shape: [layers].</param>
internal sealed record StudioChoice(
    int Choice, long SizeBytes, double BitsPerWeight, double PredictedLoss, bool IsProven, double? Gap, long BitOperations,
    IReadOnlyList<int> Bits) : StudioAnswer
{
    /// <summary>Shares of widths of layers whose rows have several, by the layer's position; null where none have.</summary>
    public IReadOnlyDictionary<int, IReadOnlyDictionary<int, double>>? Shares { get; init; }

    /// <summary>The command that writes the same file.</summary>
    public required string Command { get; init; }
}

/// <summary>How far the writing of a file is.</summary>
/// <param name="Stage">What is done; null where nothing is.</param>
/// <param name="Share">Share of all that is done. Range: [0, 1].</param>
/// <param name="SecondsLeft">Seconds left, where that is known.</param>
/// <param name="Written">The files that were written, in order. Shape: [files].</param>
internal sealed record StudioJobState(string? Stage, double Share, double? SecondsLeft, IReadOnlyList<WrittenFile> Written)
    : StudioAnswer;

/// <summary>A file that was written and evaluated.</summary>
internal sealed record WrittenFile
{
    /// <summary>Its path.</summary>
    public required string Path { get; init; }

    /// <summary>Its bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Mean bits.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Loss increase that was predicted.</summary>
    public required double PredictedLoss { get; init; }

    /// <summary>Loss increase that was measured, and its standard error. Shape: [2].</summary>
    public double?[] Loss { get; init; } = [];

    /// <summary>Top-1; null without labels.</summary>
    public double? Top1 { get; init; }

    /// <summary>Agreement with the float network; null of no classifier.</summary>
    public double? Agreement { get; init; }

    /// <summary>What a network that is no classifier keeps of what it is for, and its name; null of one.</summary>
    public double? MeasureValue { get; init; }

    /// <summary>Images it was evaluated on.</summary>
    public required int Images { get; init; }

    /// <summary>What it loses less than the first file, and the standard error of that; null of the first. Shape: [2].</summary>
    public double[]? Gain { get; init; }

    /// <summary>The command that writes the same file.</summary>
    public required string Command { get; init; }
}
