using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Clado.Cli.Output;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Tuning;
using static System.FormattableString;

namespace Clado.Cli.Options;

/// <summary>Options that several verbs share, each made once.</summary>
internal static class CommonOptions
{
    private static readonly Dictionary<string, NetworkTask> Tasks =
        Enum.GetValues<NetworkTask>().ToDictionary(task => $"{task}".ToLowerInvariant());

    private static readonly Dictionary<string, Provider> Providers =
        Enum.GetValues<Provider>().ToDictionary(provider => $"{provider}".ToLowerInvariant());

    private static readonly Dictionary<string, TuningMethod> Tunings =
        Enum.GetValues<TuningMethod>().ToDictionary(method => $"{method}".ToLowerInvariant());

    public static Argument<string> Model() => new("MODEL.onnx") { Description = "The model" };

    public static Option<bool> Json() => new("--json") { Description = "Print JSON instead of tables" };

    public static Option<string> Images(string what) => new("--images")
    {
        Description = $"Folder of {what}: images, class folders, or images with a labels.csv",
        Required = true,
    };

    public static Option<string> Budget() => new("--budget", "-b")
    {
        Description = "Bytes of the file (120000, 820KiB, 1.5MB), mean bits a weight (3bit), a share of the model's file (25%), or none",
        Required = true,
    };

    public static Option<long?> MaximumBitOperations() => new("--max-bitops")
    {
        Description = "Bit operations an image at most (MACs × weight bits × activation bits)",
    };

    public static Option<string> Run(bool required) => new("--run")
    {
        Description = required ? "The run folder" : "The run folder; a rerun goes on from what it holds (default: one below clado-runs)",
        Required = required,
    };

    public static Option<string> Output(bool required) => new("--output", "-o") { Description = "File to write", Required = required };

    public static Option<bool> Refine() => new("--refine")
    {
        Description = "When the widths are known, round every layer again on what the layers before it leave it; "
            + "kept where the measured loss falls",
    };

    public static Option<string> Tune() => new Option<string>("--tune")
    {
        Description = "When the widths are known, tune codes, scales and biases by gradients, after rounding again as --refine does: "
            + "network, to give the float network's answers; blocks, one after the other to give what they give in the float network; "
            + "auto, both where they gain; kept where images that were held back lose less",
        DefaultValueFactory = _ => Tunings.Keys.First(),
    }.OneOf([.. Tunings.Keys]);

    public static Option<int?> TunePasses() => new("--tune-passes")
    {
        Description = "Passes over the images that tuning may take, about (default: 64 for network, 32 for blocks and auto)",
    };

    /// <summary>How to tune.</summary>
    /// <exception cref="CladoException">A number of passes is out of its range, or nothing is tuned.</exception>
    public static TuningOptions TuningOf(string name, int? passes) => passes is not null && TuningOf(name) == TuningMethod.None
        ? throw new CladoException("--tune-passes is for --tune, which is missing; give --tune auto, or leave it out")
        : new(TuningOf(name)) { Passes = passes };

    /// <summary>The way of tuning of a name.</summary>
    public static TuningMethod TuningOf(string name) => Tunings[name];

    public static Option<string> Preprocess() => new("--preprocess")
    {
        Description = $"{string.Join(", ", Preprocessing.PresetNames)}, or a JSON file; "
            + "a model that takes bytes gets the pixels as they are where these are meant for floats",
        DefaultValueFactory = _ => "imagenet",
    };

    /// <summary>The preprocessing of a preset's name, in any case, or of a file.</summary>
    public static Preprocessing PreprocessingOf(string text)
    {
        var preset = Preprocessing.PresetNames.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        return preset is null && !File.Exists(text) && Spelling.Nearest(text, Preprocessing.PresetNames) is { } near
            ? throw new CladoException($"--preprocess {text}: is neither a preset nor a JSON file; did you mean {near}?")
            : Preprocessing.Parse(preset ?? text);
    }

    /// <summary>How many images are used.</summary>
    /// <param name="why">Why the default is as it is.</param>
    /// <param name="otherwise">What holds where nothing is said.</param>
    public static Option<ImageLimit> Limit(string why, ImageLimit otherwise) => new("--limit")
    {
        Description = $"Use so many of the images at most, drawn by --seed and their names from all folders alike, or all; {why}",
        HelpName = "N|all",
        DefaultValueFactory = _ => otherwise,
        CustomParser = ImageLimit.Parse,
    };

    /// <summary>How many images are measured on.</summary>
    public static Option<ImageLimit> Limit() => Limit("more take longer in proportion", new(PipelineOptions.DefaultLimit));

    public static Option<int> Seed() => new("--seed") { Description = "Seed of the choice of images", DefaultValueFactory = _ => 0 };

    public static Option<int?> LabelOffset() => new("--label-offset")
    {
        Description = "What to add to the images' class indices: 1 where the model has a background first and the images do not",
    };

    public static Option<string?> Task() => new Option<string?>("--task")
    {
        Description = "What the network is for, which decides by which loss and measures it is compared (default: decided by looking)",
    }.OneOf([.. Tasks.Keys]);

    public static Option<string?> Loss() => new Option<string?>("--loss")
    {
        Description = "Loss to compare by (default: kl of scores of classes, cosine of embeddings, mse elsewhere)",
    }.OneOf([.. PipelineOptions.Losses]);

    /// <summary>The task of a name; null where none is given.</summary>
    public static NetworkTask? TaskOf(string? name) => name is null ? null : Tasks[name];

    public static Option<int?> Rounds() => new("--rounds")
    {
        Description = "Rounds of measuring again around the chosen bits, as long as they help (default: 4 with --estimator auto, else 0)",
    };

    public static Option<int> Threads() => new("--threads")
    {
        Description = "Passes side by side (default: all cores); results do not depend on it",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    public static Option<string?> Memory() => new("--memory")
    {
        Description = "Memory measuring may take, such as 4GB (default: half of the machine's)",
    };

    public static Option<string> Provider(string what, Provider otherwise) => new Option<string>("--provider")
    {
        Description = what,
        DefaultValueFactory = _ => Providers.First(provider => provider.Value == otherwise).Key,
    }.OneOf([.. Providers.Keys]);

    /// <summary>The provider of a name.</summary>
    public static Provider ProviderOf(string name) => Providers[name];

    /// <summary>Checks the number of threads.</summary>
    public static int ThreadCount(int threads) => threads is >= 1 and <= 1024
        ? threads
        : throw new CladoException(Invariant($"--threads {threads}: 1 to 1024 are wanted"));

    /// <summary>Reads a number as it is written everywhere, whatever the culture; what is none becomes NaN, which no range holds.</summary>
    public static double Number(ArgumentResult result) =>
        result.Tokens is [var token] && double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : double.NaN;
}
