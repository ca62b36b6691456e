using Clado.Inference;
using static System.FormattableString;

namespace Clado.Evaluation.Measures;

/// <summary>How an output gives a class for every place of a map.</summary>
internal sealed class ClassMap
{
    /// <summary>Whole numbers above this are no classes; those of a broken network count as this one.</summary>
    private const int MostClasses = 1 << 16;

    private readonly int output;
    private readonly int? channels;
    private readonly bool isLogit;

    private ClassMap(int output, int? channels, double? threshold, bool isLogit, string description)
    {
        (this.output, this.channels, Threshold, this.isLogit) = (output, channels, threshold, isLogit);
        Description = description;
    }

    /// <summary>The same in words.</summary>
    public string Description { get; }

    /// <summary>From which probability on a place is of the one class there is; null where there are several. Range: [0, 1].</summary>
    public double? Threshold { get; }

    /// <summary>Finds a map.</summary>
    /// <param name="options">The outputs.</param>
    /// <param name="samples">What the float network gives on some images. Shape: [images][outputs].</param>
    /// <returns>null where there is none.</returns>
    public static ClassMap? Find(MeasuredOutputs options, IReadOnlyList<IReadOnlyList<ModelOutput>> samples) =>
        Enumerable.Range(0, options.Own).Where(output => IsMap(samples, output)).Select(output =>
        {
            string name = $"'{options.Names[output]}'";
            var shape = samples[0][output].Shape;
            if (samples[0][output].IsInteger)
            {
                return new ClassMap(output, null, null, false, $"a class a place, {name}");
            }
            if (MapLayout.Channels(shape, options.ImageSize) is { } axis && shape[axis] > 1)
            {
                return new ClassMap(output, axis, null, false, Invariant($"scores of {shape[axis]} classes a place, {name}"));
            }
            bool isLogit = samples.Any(image => image[output].Values.Span.ContainsAnyExceptInRange(0, 1));
            return new ClassMap(
                output, null, options.ScoreThreshold, isLogit,
                $"a {(isLogit ? "score before its sigmoid" : "probability")} a place, {name}, "
                    + Invariant($"of one class from {options.ScoreThreshold} on"));
        }).FirstOrDefault();

    /// <summary>The class of every place. Shape: [places]. Range: [0, inf).</summary>
    /// <param name="outputs">An image's outputs. Shape: [outputs].</param>
    public int[] Read(IReadOnlyList<ModelOutput> outputs)
    {
        var values = outputs[output].Values.Span;
        var shape = outputs[output].Shape;
        if (channels is { } axis)
        {
            return Highest(values, shape[axis], shape.Skip(axis + 1).Aggregate(1, (product, dim) => product * dim));
        }
        var classes = new int[values.Length];
        // A probability of t is a score of log(t / (1 − t)).
        double least = isLogit ? Math.Log(Threshold!.Value / (1 - Threshold.Value)) : Threshold ?? 0;
        for (int place = 0; place < classes.Length; place++)
        {
            classes[place] = Threshold is null ? (int)Math.Clamp(values[place], 0, MostClasses) : values[place] >= least ? 1 : 0;
        }
        return classes;
    }

    /// <summary>Where the highest of several scores is; among equal ones the first.</summary>
    /// <param name="values">Shape: [outer, count, inner].</param>
    /// <param name="count">Number of classes.</param>
    /// <param name="inner">Elements behind the axis of classes.</param>
    private static int[] Highest(ReadOnlySpan<float> values, int count, int inner)
    {
        var classes = new int[values.Length / count];
        for (int place = 0; place < classes.Length; place++)
        {
            int start = (place / inner * count * inner) + (place % inner);
            float best = values[start];
            for (int own = 1; own < count; own++)
            {
                if (values[start + (own * inner)] is var value && value > best)
                {
                    (best, classes[place]) = (value, own);
                }
            }
        }
        return classes;
    }

    /// <summary>Whether an output is of one size and has places.</summary>
    private static bool IsMap(IReadOnlyList<IReadOnlyList<ModelOutput>> samples, int output) =>
        samples.All(image => image[output].Shape.SequenceEqual(samples[0][output].Shape))
        && samples[0][output].Shape.Count(dim => dim > 1) >= 2
        && !(samples[0][output].IsInteger && samples.Any(image => image[output].Values.Span.ContainsAnyExceptInRange(0, MostClasses)));
}
