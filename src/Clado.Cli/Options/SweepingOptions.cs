using System.CommandLine;
using Clado.Cli.Commands;
using Clado.Curves;

namespace Clado.Cli.Options;

/// <summary>Which points of the curve are wanted, and on which images.</summary>
internal sealed class SweepingOptions
{
    private readonly Option<string?> budgets = new("--budgets")
    {
        Description = "Budgets with commas between, as allocate takes them "
            + "(default: chosen from the smallest file to the largest, denser where the curve bends)",
    };

    private readonly Option<int> points = new("--points")
    {
        Description = "Budgets to choose where none are given",
        DefaultValueFactory = _ => new SweepOptions().PointCount,
    };

    private readonly Option<string?> images = new("--evaluate")
    {
        Description = "Folder of images to evaluate on: images, class folders, or images with a labels.csv (default: those of the run)",
    };

    private readonly Option<double?> drop = new("--target-drop")
    {
        CustomParser = result => CommonOptions.Number(result),
        Description = "Look for the smallest size that loses at most so many points of top-1, "
            + "or of agreement with FP32 where there are no labels; of what is no classifier, of its task's measure against FP32: "
            + "detections kept, mean IoU, mean cosine, or that has so many percent of relative error",
    };

    private readonly Option<ImageLimit> limit =
        CommonOptions.Limit("accuracies are those of the whole folder where nothing is said", new(null));
    private readonly Option<int> seed = CommonOptions.Seed();
    private readonly Option<int?> labelOffset = CommonOptions.LabelOffset();
    private readonly Option<int?> rounds = CommonOptions.Rounds();

    public void AddTo(Verb command)
    {
        command.Add(OptionGroup.Input, images, limit, seed, labelOffset);
        command.Add(OptionGroup.Budget, budgets, points, drop);
        command.Add(OptionGroup.Measuring, rounds);
    }

    /// <summary>Points of accuracy that may be lost, where the smallest size for that is looked for.</summary>
    public double? Drop(ParseResult parsed) => parsed.GetValue(drop);

    /// <exception cref="CladoException">A value is out of its range, or two options contradict each other.</exception>
    public SweepOptions Read(ParseResult parsed)
    {
        if (Drop(parsed) is { } asked && !(asked is >= 0 and <= 100))
        {
            throw new CladoException(
                $"--target-drop {parsed.GetResult(drop)!.Tokens[0].Value}: points of accuracy from 0 to 100 are wanted");
        }
        if (Drop(parsed) is not null && parsed.GetValue(budgets) is not null)
        {
            throw new CladoException("--budgets: --target-drop looks for a budget by itself; leave one of them out");
        }
        if (parsed.GetValue(images) is null
            && (parsed.GetResult(limit) is { Implicit: false } || parsed.GetResult(seed) is { Implicit: false }))
        {
            throw new CladoException(
                "--limit and --seed choose among the images of --evaluate, which is missing; the run's images are used all of them");
        }
        if (parsed.GetValue(images) is null && parsed.GetValue(labelOffset) is not null)
        {
            throw new CladoException(
                "--label-offset is of the images of --evaluate, which is missing; for the run's own it is given when measuring");
        }
        return new SweepOptions
        {
            Images = parsed.GetValue(images),
            Limit = parsed.GetValue(limit).Count,
            Seed = parsed.GetValue(seed),
            LabelOffset = parsed.GetValue(labelOffset),
            Rounds = parsed.GetValue(rounds),
            PointCount = parsed.GetValue(points),
            Budgets = parsed.GetValue(budgets)?.Split(',', StringSplitOptions.TrimEntries) ?? [],
        };
    }
}
