using System.CommandLine;
using System.Globalization;
using Clado.Activations;
using Clado.Cli.Commands;

namespace Clado.Cli.Options;

/// <summary>How a model is written: for verbs that write one, or say how large it will be.</summary>
internal sealed class WritingOptions
{
    private static readonly Dictionary<string, ActivationFormat> Formats = new()
    {
        ["8"] = ActivationFormat.Int8,
        ["auto"] = ActivationFormat.Auto,
        ["float"] = ActivationFormat.Float,
        ["keep"] = ActivationFormat.Keep,
    };

    private static readonly Dictionary<string, RangeMethod> Methods = new()
    {
        ["mse"] = RangeMethod.LeastSquares,
        ["percentile"] = RangeMethod.Percentile,
        ["minmax"] = RangeMethod.MinMax,
    };

    private readonly Option<string?> activations = new Option<string?>("--activations")
    {
        Description = "Bits of activations in the file: 8 (default) runs on integer kernels, float on those of the float model; "
            + "auto is 8, with floats around tensors where 8 bits cost more than the weights do; "
            + "keep (default where the model has activation grids) leaves them on those grids",
    }.OneOf([.. Formats.Keys]);

    private readonly Option<string?> ranges = new Option<string?>("--ranges")
    {
        Description = "How the range of an 8-bit activation is chosen on the images: least squared error (default), quantiles, or extremes",
    }.OneOf([.. Methods.Keys]);

    private readonly Option<string?> opset = new Option<string?>("--opset")
    {
        Description = $"Opset of the file: {PipelineOptions.Opsets[0]} (default), "
            + $"or {PipelineOptions.Opsets[1]} for older runtimes, without types of 2 and 4 bits; "
            + "in any case where the runtime has an operator only there",
    }.OneOf([.. PipelineOptions.Opsets.Select(version => $"{version}")]);

    public void AddTo(Verb command)
    {
        command.Add(OptionGroup.Output, activations, ranges, opset);
    }

    /// <summary>What is said; the rest goes by the run folder.</summary>
    public OpenOptions Read(ParseResult parsed) => new()
    {
        Activations = parsed.GetValue(activations) is { } format ? Formats[format] : null,
        Ranges = parsed.GetValue(ranges) is { } name ? Methods[name] : null,
        Opset = parsed.GetValue(opset) is { } version ? int.Parse(version, CultureInfo.InvariantCulture) : null,
    };

    /// <summary>The options that write the same from a run folder; empty where it would do so without them.</summary>
    public static string Of(MeasuredRun run) =>
        run.OtherActivations switch
        {
            null => "",
            { Format: ActivationFormat.Float } => " --activations float",
            { Format: ActivationFormat.Keep } => " --activations keep",
            var other => $" --activations {Formats.First(f => f.Value == other.Format).Key}"
                + $" --ranges {Methods.First(m => m.Value == other.Ranges).Key}",
        }
        + (run.OtherOpset is { } opset ? $" --opset {opset}" : "");
}
