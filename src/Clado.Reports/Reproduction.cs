using Clado.Curves;
using Clado.Images;
using Clado.Onnx.Upgrade;
using Clado.Runs;
using static System.FormattableString;

namespace Clado.Reports;

/// <summary>Where a run comes from: versions, options, and the commands that give it again.</summary>
internal static class Reproduction
{
    // What a command takes for a preprocessing that is no preset: a file with what the table of options shows.
    private const string PreprocessingFile = "preprocessing.json";

    /// <summary>Versions and options as name and value.</summary>
    /// <param name="run">The run.</param>
    /// <param name="scales">Units of the outputs, or null where the loss needs none. Shape: [outputs].</param>
    public static IReadOnlyList<ReportOption> Options(RunDescription run, IReadOnlyList<Losses.OutputScale>? scales) =>
    [
        new("Clado", run.CladoVersion),
        new("ONNX Runtime", run.OnnxRuntimeVersion),
        new("model", run.ModelPath),
        new("model, SHA-256", run.ModelSha256),
        .. run.Input is null ? (ReportOption[])[] : [new("image input", run.Input), new("other inputs", string.Join(" ", run.Set))],
        .. run.InputShape is null ? (ReportOption[])[] : [new("shape of the image input", run.InputShape)],
        new("images to measure on", Invariant($"{run.ImagesPath} ({run.ImageCount:N0} images{Choice(run)})")),
        new("images, SHA-256", run.ImagesSha256),
        .. run.LabelOffset == 0 ? (ReportOption[])[] : [new("added to class indices", Invariant($"{run.LabelOffset}"))],
        new("preprocessing", Preprocessing.NameOf(run.Preprocessing) is { } name ? $"{name}: {run.Preprocessing}" : run.Preprocessing),
        new("widths", string.Join(", ", run.Bits)),
        new("pins", run.Pins.Length == 0 ? "none" : string.Join(" ", run.Pins)),
        new("equalized", run.Equalize ? "yes" : "no"),
        .. run.Granularity is null ? (ReportOption[])[] : [new("what has a width", run.Granularity)],
        new("rounding", run.Rounding),
        new("estimator", run.Estimator + (run.Rows ? ", rows too" : "")),
        .. run.Task is null ? (ReportOption[])[] : [new("task", run.Task)],
        new("loss", run.Loss),
        .. (scales ?? []).Select(s => new ReportOption($"output '{s.Output}'", $"{s.Parts.Summary}, each in units of its own variance")),
        .. run.Requantize ? (ReportOption[])[new("activation grids of the model", "removed")] : [],
        new("activations", run.Activations),
        .. run.Activations is "float" or "keep" ? (ReportOption[])[] : [new("ranges of activations", run.Ranges)],
        new("activations while measuring", run.MeasuredActivations),
        .. run.Provider is null ? (ReportOption[])[] : [new("measured on", run.Provider)],
        new("opset", $"{run.Opset}"),
    ];

    /// <summary>The commands, one a line.</summary>
    /// <param name="run">The run.</param>
    /// <param name="folder">Path of the run folder.</param>
    /// <param name="curve">The curve that was swept, or null.</param>
    public static IReadOnlyList<string> Commands(RunDescription run, string folder, Curve? curve)
    {
        List<string> measure =
        [
            "clado", "measure", run.ModelPath, .. Inputs(run),
            "--images", run.ImagesPath, "--preprocess", Preprocessing.NameOf(run.Preprocessing) ?? PreprocessingFile,
            "--bits", string.Join(',', run.Bits), "--estimator", run.Estimator,
            .. run.Rows ? (string[])["--rows"] : [],
            .. run.Granularity is { } granularity ? (string[])["--granularity", granularity] : [], .. Rounding(run),
            "--activations", run.Activations, .. run.Ranges == "mse" ? (string[])[] : ["--ranges", run.Ranges],
            "--measure-activations", run.MeasuredActivations,
            .. run.Opset == OpsetUpgrade.TargetOpset ? (string[])[] : ["--opset", $"{run.Opset}"],
            .. Chosen(run.Limit, run.Seed), .. Offset(run.LabelOffset),
            .. run.Equalize ? (string[])["--equalize"] : [],
            .. run.Requantize ? (string[])["--requantize"] : [],
            .. run.Provider is null ? (string[])[] : ["--provider", run.Provider],
            .. run.Pins.SelectMany(pin => (string[])["--pin", pin]),
        ];
        if (Sensitivity.SensitivityOptions.Losses.Contains(run.Loss))
        {
            measure.AddRange(["--loss", run.Loss]);
        }
        if (run.Task is { } task)
        {
            measure.AddRange(["--task", task]);
        }
        measure.AddRange(["--run", folder]);
        var commands = new List<List<string>> { measure };
        if (curve is not null)
        {
            bool isOnOthers = curve.ImagesSha256 != run.ImagesSha256;
            string[] chosen = [.. Chosen(curve.Limit, curve.Seed), .. Offset(curve.LabelOffset)];
            string[] images = isOnOthers ? ["--evaluate", curve.ImagesPath, .. chosen] : [];
            string[] rounds = curve.Rounds is { } count ? ["--rounds", $"{count}"] : [];
            commands.Add(["clado", "sweep", "--run", folder, .. images, .. rounds]);
        }
        commands.Add(["clado", "report", "--run", folder]);
        return [.. commands.Select(words => string.Join(' ', words.Select(ShellWord.Quoted)))];
    }

    /// <summary>How images were chosen, in words.</summary>
    private static string Choice(RunDescription run) => run switch
    {
        { Limit: null } => "",
        { ImagesFound: { } found } when found == run.ImageCount => "",
        { ImagesFound: { } found } => Invariant($" of {found:N0}, chosen with seed {run.Seed}"),
        _ => Invariant($", chosen with seed {run.Seed}"),
    };

    /// <summary>Which input is the image, and values of the others.</summary>
    private static string[] Inputs(RunDescription run) =>
    [
        .. run.Input is null ? (string[])[] : ["--input", run.Input],
        .. run.Set.SelectMany(set => (string[])["--set", set]),
        .. run.InputShape is null ? (string[])[] : ["--input-shape", run.InputShape],
    ];

    private static string[] Rounding(RunDescription run)
    {
        const string OnQuantized = " on quantized inputs";
        bool isOnQuantized = run.Rounding.EndsWith(OnQuantized, StringComparison.Ordinal);
        var name = run.Rounding.Replace(OnQuantized, "", StringComparison.Ordinal);
        return ["--rounding", name, "--inputs", isOnQuantized ? "quantized" : "float"];
    }

    /// <summary>How many images are chosen, and how; what is so by default is not said.</summary>
    private static string[] Chosen(int? limit, int seed) =>
    [
        .. limit is null ? (string[])["--limit", "all"] : limit == ImageSet.DefaultLimit ? [] : ["--limit", $"{limit}"],
        .. limit is null || seed == 0 ? (string[])[] : ["--seed", Invariant($"{seed}")],
    ];

    /// <summary>What is added to class indices; null and 0 as nothing is said.</summary>
    private static string[] Offset(int? offset) => offset is { } added and not 0 ? ["--label-offset", Invariant($"{added}")] : [];
}
