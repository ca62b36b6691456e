using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Clado.Activations;
using Clado.Allocation;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx.Upgrade;
using Clado.Rounding;
using Clado.Runs;
using Clado.Sensitivity;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary>Options that several verbs share, each made once.</summary>
internal static class CommonOptions
{
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromMilliseconds(1), LongestTimeout = TimeSpan.FromDays(1);

    public static Argument<string> Model() => new("MODEL.onnx") { Description = "The model" };

    public static Option<bool> Json() => new("--json") { Description = "Print JSON instead of tables" };

    public static Option<string> Images(string what) => new("--images") { Description = $"Folder of {what}: images, class folders, or images with a labels.csv", Required = true };

    public static Option<string> Budget() => new("--budget", "-b")
    {
        Description = "Bytes of the file (120000, 820KiB, 1.5MB), mean bits a weight (3bit), a share of the FP32 file (25%), or none",
        Required = true,
    };

    public static Option<long?> MaximumBitOperations() => new("--max-bitops") { Description = "Bit operations an image at most (MACs × weight bits × activation bits)" };

    public static Option<string> Run(bool required) => new("--run")
    {
        Description = required ? "The run folder" : "The run folder; a rerun goes on from what it holds (default: one below clado-runs)",
        Required = required,
    };

    public static Option<string> Output(bool required) => new("--output", "-o") { Description = "File to write", Required = required };

    public static Option<string> Preprocess() => new("--preprocess")
    {
        Description = $"{string.Join(", ", Preprocessing.PresetNames)}, or a JSON file",
        DefaultValueFactory = _ => "imagenet",
    };

    public static Option<int?> Limit() => new("--limit") { Description = "Use this many of the images at most" };

    public static Option<int> Seed() => new("--seed") { Description = "Seed of the choice of images", DefaultValueFactory = _ => 0 };

    public static Option<int?> Rounds() => new("--rounds")
    {
        Description = "Rounds of measuring again around the chosen bits, as long as they help (default: 4 with --estimator auto, else 0)",
    };

    public static Option<int> Threads() => new("--threads")
    {
        Description = "Passes side by side (default: all cores); results do not depend on it",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    public static Option<string?> Memory() => new("--memory") { Description = "Memory measuring may take, such as 4GB (default: half of the machine's)" };

    /// <summary>What is chosen, and how hard it is looked for: shared by <c>allocate</c>, <c>export</c> and <c>quantize</c>.</summary>
    public sealed class Choosing
    {
        private readonly Option<string> budget = Budget();
        private readonly Option<long?> operations = MaximumBitOperations();
        private readonly Option<int?> rounds = Rounds();

        private readonly Option<string?> costs = new("--cost-table") { Description = "CSV file of layer,bits,cost: what a layer costs at a width in any unit; see --max-cost" };
        private readonly Option<long?> maximumCost = new("--max-cost") { Description = "What the layers' costs by --cost-table may add up to" };
        private readonly Option<string[]> sameBits = new("--same-bits")
        {
            Description = "NAME,NAME,…: layers that must get the same width, NAME with * and ?; may be repeated, once a group",
            DefaultValueFactory = _ => [],
        };

        public void AddTo(Command command)
        {
            foreach (var option in (Option[])[budget, operations, costs, maximumCost, sameBits, rounds])
            {
                command.Options.Add(option);
            }
        }

        public Choice Read(ParseResult parsed) => new(
            parsed.GetRequiredValue(budget),
            new AllocationLimits
            {
                BitOperations = parsed.GetValue(operations),
                Costs = parsed.GetValue(costs) is { } table ? CostTable.Read(table) : null,
                MaximumCost = parsed.GetValue(maximumCost),
                SameWidth = parsed.GetValue(sameBits) ?? [],
            },
            parsed.GetValue(rounds) is not { } count || count >= 0 ? parsed.GetValue(rounds) : throw new CladoException(Invariant($"--rounds {count}: 0 or more are wanted")),
            [.. new[] { parsed.GetValue(costs) }.OfType<string>()]);
    }

    /// <summary>A choice as it is asked for.</summary>
    /// <param name="Budget">Text of the budget.</param>
    /// <param name="Limits">What else it must keep.</param>
    /// <param name="Rounds">Rounds at most, or null for the default.</param>
    /// <param name="Files">Files it was read from. Shape: [files].</param>
    public sealed record Choice(string Budget, AllocationLimits Limits, int? Rounds, IReadOnlyList<string> Files);

    /// <summary>Threads and memory for verbs that open a run folder.</summary>
    public sealed class Resources
    {
        private readonly Option<int> threads = Threads();
        private readonly Option<string?> memory = Memory();

        public void AddTo(Command command)
        {
            command.Options.Add(threads);
            command.Options.Add(memory);
        }

        public Execution.Resources Read(ParseResult parsed)
        {
            var options = new Execution.Resources { Threads = ThreadCount(parsed.GetValue(threads)) };
            return parsed.GetValue(memory) is { } text ? options with { MemoryBytes = Allocation.Budget.ParseBytes("--memory", text) } : options;
        }
    }

    /// <summary>What a model gets beside images: for verbs that read one.</summary>
    public sealed class Feeding
    {
        private readonly Option<string?> image = new("--input") { Description = "Name of the input that takes images, where more than one could" };

        private readonly Option<string[]> values = new("--set")
        {
            Description = "NAME=VALUE or NAME=VALUE,VALUE,…: what another input gets with every image, one value for all its elements or one for each; may be repeated",
            DefaultValueFactory = _ => [],
        };

        public void AddTo(Command command)
        {
            command.Options.Add(image);
            command.Options.Add(values);
        }

        public InputOptions Read(ParseResult parsed) => InputOptions.Parse(parsed.GetValue(image), parsed.GetValue(values) ?? []);
    }

    /// <summary>How a model is written: for verbs that write one, or say how large it will be.</summary>
    public sealed class Writing
    {
        private readonly Option<string?> activations = new Option<string?>("--activations")
        {
            Description = "Bits of activations in the file: 8 (default) runs on integer kernels, float on those of the float model",
        }.AcceptOnlyFromAmong("8", "float");

        private readonly Option<string?> ranges = new Option<string?>("--ranges")
        {
            Description = "How the range of an 8-bit activation is chosen on the images: least squared error (default), quantiles, or extremes",
        }.AcceptOnlyFromAmong("mse", "percentile", "minmax");

        private readonly Option<int?> opset = new Option<int?>("--opset")
        {
            Description = $"Opset of the file: {OpsetUpgrade.TargetOpset} (default), or {OpsetUpgrade.EarlierOpset} for older runtimes, without types of 2 and 4 bits",
        }.AcceptOnlyFromAmong($"{OpsetUpgrade.TargetOpset}", $"{OpsetUpgrade.EarlierOpset}");

        public void AddTo(Command command)
        {
            foreach (var option in (Option[])[activations, ranges, opset])
            {
                command.Options.Add(option);
            }
        }

        /// <summary>Null where nothing is said, for verbs that go by the run folder.</summary>
        public int? Opset(ParseResult parsed) => parsed.GetValue(opset);

        /// <summary>Null where nothing is said, for verbs that go by the run folder.</summary>
        /// <param name="parsed">The options.</param>
        /// <param name="run">The run folder, whose ranges are taken where none are said; null where there is none yet.</param>
        public ActivationOptions? Activations(ParseResult parsed, string? run = null)
        {
            var method = parsed.GetValue(ranges) switch
            {
                "minmax" => RangeMethod.MinMax,
                "percentile" => RangeMethod.Percentile,
                null when run is not null && parsed.GetValue(activations) == "8" => RunFolder.Open(run).Description.WrittenActivations().Ranges,
                _ => RangeMethod.LeastSquares,
            };
            return parsed.GetValue(activations) switch
            {
                "float" => new() { Format = ActivationFormat.Float },
                "8" => new() { Ranges = method },
                _ => parsed.GetValue(ranges) is null ? null : new() { Ranges = method },
            };
        }
    }

    /// <summary>What <c>quantize</c> and <c>measure</c> share.</summary>
    public sealed class Measuring
    {
        private readonly Argument<string> model = Model();
        private readonly Option<string> images = Images("images to measure on");
        private readonly Option<string> run = Run(required: false);
        private readonly Option<string> preprocess = Preprocess();
        private readonly Option<int?> limit = Limit();
        private readonly Option<int> seed = Seed();
        private readonly Resources resources = new();
        private readonly Option<string> bits = new("--bits") { Description = "Widths to choose from, any of 2–8", DefaultValueFactory = _ => string.Join(",", PipelineOptions.DefaultBits) };
        private readonly Option<string> estimator = new Option<string>("--estimator")
        {
            Description = "How cross-layer sensitivities are found: "
                + string.Join("; ", SensitivityOptions.Estimators.Zip(SensitivityOptions.EstimatorDescriptions, (name, what) => $"{name}: {what}")),
            DefaultValueFactory = _ => "auto",
        }.AcceptOnlyFromAmong([.. SensitivityOptions.Estimators]);

        private readonly Option<string> rounding = new Option<string>("--rounding")
        {
            Description = "How weights are put on the grid: by error feedback on the images, greedily along the path (GPFQ), or to the nearest point",
            DefaultValueFactory = _ => "feedback",
        }.AcceptOnlyFromAmong("feedback", "gpfq", "nearest");

        private readonly Option<string> inputs = new Option<string>("--inputs")
        {
            Description = "Whose inputs a layer is rounded on: those of the float network, or those that rounded layers before it leave it",
            DefaultValueFactory = _ => "float",
        }.AcceptOnlyFromAmong("float", "quantized");

        private readonly Option<bool> equalize = new("--equalize")
        {
            Description = "Scale channels between consecutive layers first, where that lowers the error of rounding; the network's outputs stay the same",
        };

        private readonly Option<string> measuredActivations = new Option<string>("--measure-activations")
        {
            Description = "Activations while sensitivities are measured: floats, or rounded to 8 bits",
            DefaultValueFactory = _ => "float",
        }.AcceptOnlyFromAmong("8", "float");

        private readonly Option<string?> loss = new Option<string?>("--loss")
        {
            Description = "Loss to measure (default: kl, or mse where the model is no classifier)",
        }.AcceptOnlyFromAmong([.. SensitivityOptions.Losses]);

        private readonly Option<string[]> pins = new("--pin")
        {
            Description = "NAME=BITS, NAME=BITS,BITS (a choice of widths) or NAME=float, NAME with * and ?; may be repeated",
            DefaultValueFactory = _ => [],
        };

        private readonly Feeding feeding = new();
        private readonly Writing writing = new();

        public void AddTo(Command command)
        {
            command.Arguments.Add(model);
            foreach (var option in (Option[])[images, run, preprocess, limit, seed, bits, estimator, rounding, inputs, equalize, measuredActivations, loss, pins])
            {
                command.Options.Add(option);
            }
            feeding.AddTo(command);
            writing.AddTo(command);
            resources.AddTo(command);
        }

        /// <summary>Files that are read beside model and images. Shape: [files].</summary>
        public IReadOnlyList<string> Files(ParseResult parsed) => [parsed.GetRequiredValue(preprocess)];

        public PipelineOptions Read(ParseResult parsed) => new()
        {
            Model = parsed.GetRequiredValue(model),
            Inputs = feeding.Read(parsed),
            Images = parsed.GetRequiredValue(images),
            Run = parsed.GetValue(run),
            Preprocessing = Preprocessing.Parse(parsed.GetRequiredValue(preprocess)),
            Limit = parsed.GetValue(limit),
            Seed = parsed.GetValue(seed),
            Bits = Widths(parsed.GetRequiredValue(bits)),
            Pins = parsed.GetValue(pins) ?? [],
            Rounding = parsed.GetRequiredValue(rounding) switch
            {
                "nearest" => new NearestRounding(),
                "gpfq" => new GpfqRounding(),
                _ => new FeedbackRounding(),
            },
            Equalize = parsed.GetValue(equalize),
            QuantizedInputs = parsed.GetRequiredValue(inputs) == "quantized",
            Activations = writing.Activations(parsed) ?? new(),
            MeasuredActivations = parsed.GetRequiredValue(measuredActivations) == "8" ? ActivationFormat.Int8 : ActivationFormat.Float,
            Opset = writing.Opset(parsed) ?? OpsetUpgrade.TargetOpset,
            Resources = resources.Read(parsed),
            Sensitivity = new() { Estimator = parsed.GetRequiredValue(estimator), Loss = parsed.GetValue(loss) },
        };

        private static int[] Widths(string text) =>
            [.. text.Split(',').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int width)
                ? width
                : throw new CladoException($"--bits {text}: a list such as 2,3,4,8 is wanted"))];
    }

    /// <summary>Checks the number of threads.</summary>
    public static int ThreadCount(int threads) => threads is >= 1 and <= 1024 ? threads : throw new CladoException(Invariant($"--threads {threads}: 1 to 1024 are wanted"));

    /// <summary>
    /// Runs a command's action with the token that a stop cancels, and runs of models within their limit. Options of text that are given without any are refused
    /// for all commands here: a path that is none would be taken for the current folder.
    /// </summary>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, int> action, bool runsModels = true)
    {
        var timeout = new Option<double>("--run-timeout")
        {
            Description = "Seconds that a single run of a model may take, on a batch of images: models may loop for ever",
            DefaultValueFactory = _ => RunLimit.DefaultTimeout.TotalSeconds,
            CustomParser = Number,
        };
        if (runsModels)
        {
            command.Options.Add(timeout);
        }
        command.SetAction((parsed, cancellation) =>
        {
            foreach (var result in parsed.CommandResult.Children.Where(r => r.Tokens.Any(token => token.Value.Length == 0)))
            {
                var name = result switch { OptionResult option => option.Option.Name, ArgumentResult argument => argument.Argument.Name, _ => command.Name };
                throw new CladoException($"{name} \"\": is empty; give a value or leave it out");
            }
            double seconds = runsModels ? parsed.GetValue(timeout) : RunLimit.DefaultTimeout.TotalSeconds;
            if (!(seconds >= ShortestTimeout.TotalSeconds && seconds <= LongestTimeout.TotalSeconds))
            {
                throw new CladoException(Invariant($"--run-timeout {parsed.GetResult(timeout)!.Tokens[0].Value}: {ShortestTimeout.TotalSeconds} to {LongestTimeout.TotalSeconds:0} seconds are wanted"));
            }
            using var limit = RunLimit.Enter(TimeSpan.FromSeconds(seconds), cancellation);
            return Task.FromResult(action(parsed, cancellation));
        });
    }

    /// <summary>Reads a number as it is written everywhere, whatever the culture; what is none becomes NaN, which no range holds.</summary>
    public static double Number(ArgumentResult result) =>
        result.Tokens is [var token] && double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN;
}
