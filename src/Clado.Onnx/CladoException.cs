using System.Text.Json;
using System.Text.RegularExpressions;
using static System.FormattableString;

namespace Clado;

/// <summary>An error in what the user gave: the message is one line that says what is wrong, where, and what to do next.</summary>
/// <param name="message">The whole line, shown as it is.</param>
/// <param name="inner">What was caught underneath, if anything.</param>
public partial class CladoException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>
    /// What another library says of an error, for who knows nothing of that library: in one line, without names of types, places in its
    /// source, and files that are gone when it is read.
    /// </summary>
    /// <param name="exception">The other library's.</param>
    public static string Plain(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        if (exception is JsonException json)
        {
            return OfJson(json);
        }
        var text = exception.Message.Split('\n')[0].Trim();
        text = RuntimePlace().Replace(RuntimeCode().Replace(text, ""), "");
        return TypeName().Replace(TemporaryPath().Replace(ParameterName().Replace(text, ""), ""), "$1").Trim();
    }

    private static string OfJson(JsonException json)
    {
        var place = json.LineNumber is { } line ? Invariant($" in line {line + 1}") : "";
        var name = json.Path is { Length: > 2 } path ? $"'{path[2..]}'{place}" : $"what stands{place}";
        // The one message that says more than that something is wrong at a place.
        return json.Message.Contains("could not be mapped", StringComparison.Ordinal) ? $"{name} is no property of it"
            : json.Message.Contains("could not be converted", StringComparison.Ordinal) ? $"{name} has a value of another kind"
            : json.Message.Contains("missing required", StringComparison.Ordinal) ? "a property is missing"
            : $"{(json.LineNumber is { } broken ? Invariant($"line {broken + 1}") : "it")} is no JSON";
    }

    // System.IO.IOException, Clado.Onnx.ModelProto, System.Collections.Generic.List`1[System.Int32]: the last name says what it is.
    [GeneratedRegex(@"\b(?:System|Microsoft|Clado|Google|SkiaSharp)(?:\.[A-Z]\w*)*\.([A-Z]\w*)(?:`\d+(?:\[[^\]]*\])?)?(?!\.?\w)")]
    private static partial Regex TypeName();

    // What is not finished lies beside its place, constants of large models in a folder of the process (AtomicFile).
    [GeneratedRegex(@"\.[0-9a-f]{32}\.part\b|\S*[/\\]clado-tensors-\S*[/\\]")]
    private static partial Regex TemporaryPath();

    // What ArgumentException ends in.
    [GeneratedRegex(@"\s*\(Parameter '\w+'\)$")]
    private static partial Regex ParameterName();

    [GeneratedRegex(@"\[ErrorCode:\w+\]\s*")]
    private static partial Regex RuntimeCode();

    // Where in its source ONNX Runtime notices something: a file, a line, a function with its arguments.
    [GeneratedRegex(@"\S*onnxruntime\S*\.(?:cc|h|cpp):\d+\s+(?:\S+\([^)]*\)(?:\s*const)?\s*|\S*::\S*\s+)?")]
    private static partial Regex RuntimePlace();
}
