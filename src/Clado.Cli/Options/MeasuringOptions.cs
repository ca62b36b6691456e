using System.CommandLine;
using System.Globalization;
using Clado.Activations;
using Clado.Cli.Commands;
using Clado.Cli.Output;
using Clado.Execution;

namespace Clado.Cli.Options;

/// <summary>What <c>quantize</c> and <c>measure</c> share.</summary>
internal sealed class MeasuringOptions
{
    // What is no width is refused by the library; what is no range of widths is not made one of millions.
    private const int WidestInRange = 64;

    private readonly Argument<string> model = CommonOptions.Model();
    private readonly Option<string> images = CommonOptions.Images("images to measure on");
    private readonly Option<string> run = CommonOptions.Run(required: false);
    private readonly Option<string> preprocess = CommonOptions.Preprocess();
    private readonly Option<ImageLimit> limit = CommonOptions.Limit();
    private readonly Option<int> seed = CommonOptions.Seed();
    private readonly Option<int?> labelOffset = CommonOptions.LabelOffset();
    private readonly ResourceOptions resources = new();
    private readonly MachineOptions machines = new();
    private readonly Option<string> bits = new("--bits")
    {
        Description = "Widths to choose from, any of 2–8: a list or a range such as 2-8",
        DefaultValueFactory = _ => string.Join(",", PipelineOptions.DefaultBits),
    };
    private readonly Option<string> estimator = new Option<string>("--estimator")
    {
        Description = "How cross-layer sensitivities are found: " + string.Join(
            "; ", PipelineOptions.Estimators.Zip(PipelineOptions.EstimatorDescriptions, (name, what) => $"{name}: {what}")),
        DefaultValueFactory = _ => "auto",
    }.OneOf([.. PipelineOptions.Estimators]);

    private readonly Option<string> granularity = new Option<string>("--granularity")
    {
        Description = "What has a width of its own: every layer, or rows (output channels) inside layers too; "
            + "row with --estimator fisher or auto",
        DefaultValueFactory = _ => PipelineOptions.Granularities[0],
    }.OneOf([.. PipelineOptions.Granularities]);

    private readonly Option<bool> rows = new("--rows")
    {
        Description = "Measure and keep the sensitivity of every row (output channel) too, in rows.safetensors; "
            + "with --estimator fisher or auto",
    };

    private readonly Option<string> rounding = new Option<string>("--rounding")
    {
        Description = "How weights are put on the grid: by error feedback on the images, greedily along the path (GPFQ), "
            + "to the nearest point, or to it with steps for normally distributed weights (DAQ)",
        DefaultValueFactory = _ => PipelineOptions.Roundings[0],
    }.OneOf([.. PipelineOptions.Roundings]);

    private readonly Option<string> inputs = new Option<string>("--inputs")
    {
        Description = "Whose inputs a layer is rounded on: those of the float network, or those that rounded layers before it leave it",
        DefaultValueFactory = _ => "float",
    }.OneOf("float", "quantized");

    private readonly Option<bool> equalize = new("--equalize")
    {
        Description = "Scale channels between consecutive layers first, where that lowers the error of rounding; "
            + "the network's outputs stay the same",
    };

    private readonly Option<bool> requantize = new("--requantize")
    {
        Description = "Remove the activation grids of a model that is quantized already, and go by --activations; "
            + "without it they are kept",
    };

    private readonly Option<string> measuredActivations = new Option<string>("--measure-activations")
    {
        Description = "Activations while sensitivities are measured: floats, or rounded to 8 bits",
        DefaultValueFactory = _ => "float",
    }.OneOf("8", "float");

    private readonly Option<string> provider = CommonOptions.Provider(
        "Where networks run while losses are measured: cpu, cuda (an NVIDIA GPU, docs/cuda.md), or auto: cuda where it is there",
        Provider.Auto);

    private readonly Option<string?> task = CommonOptions.Task();
    private readonly Option<string?> loss = CommonOptions.Loss();

    private readonly Option<string[]> pins = new("--pin")
    {
        Description = "NAME=BITS, NAME=BITS,BITS (a choice of widths) or NAME=float, NAME with * and ?; may be repeated",
        DefaultValueFactory = _ => [],
    };

    private readonly ModelInputOptions feeding = new();
    private readonly WritingOptions writing = new();

    public void AddTo(Verb command)
    {
        command.Arguments.Add(model);
        command.Add(OptionGroup.Input, images, preprocess, limit, seed, labelOffset);
        feeding.AddTo(command);
        command.Add(
            OptionGroup.Measuring, bits, pins, estimator, granularity, rounding, inputs, equalize, requantize, measuredActivations, task,
            loss, provider);
        command.Add(OptionGroup.Output, run, rows);
        writing.AddTo(command);
        resources.AddTo(command);
        machines.AddTo(command);
    }

    /// <summary>Files that are read beside model and images. Shape: [files].</summary>
    public IReadOnlyList<string> Files(ParseResult parsed) => [parsed.GetRequiredValue(preprocess)];

    public PipelineOptions Read(ParseResult parsed, Terminal terminal) => new()
    {
        Model = parsed.GetRequiredValue(model),
        Inputs = feeding.Read(parsed),
        Images = parsed.GetRequiredValue(images),
        Run = parsed.GetValue(run),
        Preprocessing = CommonOptions.PreprocessingOf(parsed.GetRequiredValue(preprocess)),
        Limit = parsed.GetValue(limit).Count,
        Seed = parsed.GetValue(seed),
        LabelOffset = parsed.GetValue(labelOffset) ?? 0,
        Bits = Widths(parsed.GetRequiredValue(bits)),
        Pins = parsed.GetValue(pins) ?? [],
        Rounding = parsed.GetRequiredValue(rounding),
        Equalize = parsed.GetValue(equalize),
        QuantizedInputs = parsed.GetRequiredValue(inputs) == "quantized",
        Requantize = parsed.GetValue(requantize),
        Activations = writing.Read(parsed).ActivationsOr(new()),
        MeasuredActivations = parsed.GetRequiredValue(measuredActivations) == "8" ? ActivationFormat.Int8 : ActivationFormat.Float,
        Opset = writing.Read(parsed).Opset ?? PipelineOptions.Opsets[0],
        KeepNames = writing.Read(parsed).KeepNames ?? false,
        Provider = CommonOptions.ProviderOf(parsed.GetRequiredValue(provider)),
        Resources = resources.Read(parsed) with { Machines = machines.Connect(parsed, terminal) },
        Estimator = parsed.GetRequiredValue(estimator),
        Granularity = parsed.GetRequiredValue(granularity),
        Rows = parsed.GetValue(rows),
        Task = CommonOptions.TaskOf(parsed.GetValue(task)),
        Loss = parsed.GetValue(loss),
    };

    /// <summary>Widths with commas between, or ranges of them: <c>2,4-6,8</c>.</summary>
    internal static int[] Widths(string text)
    {
        int[] Range(string part)
        {
            int End(string end) => int.TryParse(end.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int width)
                && width <= WidestInRange ? width : -1;
            int[] ends = [.. part.Split('-', '–').Select(End)];
            return ends is [var only] && only >= 0 ? [only]
                : ends is [var first, var last] && first >= 0 && last >= first ? [.. Enumerable.Range(first, last - first + 1)]
                : throw new CladoException($"--bits {text}: a list such as 2,3,4,8 is wanted, or a range such as 2-8");
        }
        return [.. text.Split(',').SelectMany(Range).Distinct()];
    }
}
