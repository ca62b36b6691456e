using System.CommandLine;
using Clado.Cli.Commands;
using Clado.Cli.Output;
using Clado.Comparisons;

namespace Clado.Cli.Options;

/// <summary>Which metrics are compared, at which budgets, and on which images.</summary>
internal sealed class ComparingOptions
{
    private readonly Option<string> budgets = new("--budgets")
    {
        Description = "Budgets with commas between, as allocate takes them, such as 2.5bit,3bit,4bit",
        Required = true,
    };

    private readonly Option<string> metrics = new("--metrics")
    {
        Description = "all, or names with commas between; what is named is measured however long it takes. "
            + string.Join(
                "; ", ComparisonOptions.KnownMetrics.Zip(ComparisonOptions.MetricDescriptions, (name, what) => $"{name}: {what}")),
        DefaultValueFactory = _ => ComparisonOptions.All,
    };

    private readonly Option<string?> images = new("--evaluate")
    {
        Description = "Folder of images to evaluate on: images, class folders, or images with a labels.csv (default: those of --images)",
    };

    private readonly Option<ImageLimit> limit = new("--evaluate-limit")
    {
        Description = "Use so many of the images of --evaluate at most, drawn as by --limit, or all",
        HelpName = "N|all",
        DefaultValueFactory = _ => new(null),
        CustomParser = ImageLimit.Parse,
    };

    private readonly Option<int?> rounds = new("--rounds")
    {
        Description = "Rounds of measuring around the choices of auto at most (default: 1; allocate takes up to 4)",
    };

    private readonly Option<string> tune = CommonOptions.Tune();

    public void AddTo(Verb command)
    {
        command.Add(OptionGroup.Input, images, limit);
        command.Add(OptionGroup.Budget, budgets);
        command.Add(OptionGroup.Measuring, metrics, rounds, tune);
    }

    /// <exception cref="CladoException">A value is out of its range, or two options contradict each other.</exception>
    public ComparisonOptions Read(ParseResult parsed, PipelineOptions measured)
    {
        if (parsed.GetValue(images) is null && parsed.GetResult(limit) is { Implicit: false })
        {
            throw new CladoException(
                "--evaluate-limit chooses among the images of --evaluate, which is missing; --limit is of those of --images");
        }
        return new ComparisonOptions
        {
            Budgets = parsed.GetRequiredValue(budgets).Split(',', StringSplitOptions.TrimEntries),
            Metrics = [.. parsed.GetRequiredValue(metrics).Split(',', StringSplitOptions.TrimEntries).Select(Metric)],
            Images = parsed.GetValue(images),
            Limit = parsed.GetValue(limit).Count,
            Seed = measured.Seed,
            Rounds = parsed.GetValue(rounds),
            Tune = CommonOptions.TuningOf(parsed.GetRequiredValue(tune)),
        };
    }

    /// <summary>A metric's name, in any case.</summary>
    private static string Metric(string text)
    {
        string[] known = [ComparisonOptions.All, .. ComparisonOptions.KnownMetrics];
        return known.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase))
            ?? (Spelling.Nearest(text, known) is { } near
                ? throw new CladoException($"--metrics {text}: there is no such metric; did you mean {near}?") : text);
    }
}
