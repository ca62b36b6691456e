using System.Numerics.Tensors;
using Clado.Inference;

namespace Clado.Evaluation.Detection;

/// <summary>What makes probabilities of a head's scores.</summary>
internal enum ScoreKind
{
    /// <summary>Nothing: they are.</summary>
    Probabilities,

    /// <summary>The logistic function.</summary>
    Sigmoid,

    /// <summary>The softmax over the classes.</summary>
    Softmax,
}

/// <summary>How the scores of a head are read.</summary>
/// <param name="Classes">A column a class.</param>
/// <param name="Objectness">A column that all of them are multiplied by, or null.</param>
/// <param name="Kind">What makes probabilities of them.</param>
/// <param name="Background">Which of the classes stands for no object, or null. Range: [0, classes).</param>
internal sealed record AnchorScores(BoxColumns Classes, BoxColumns? Objectness, ScoreKind Kind, int? Background)
{
    // Rounded to some digits, probabilities still add up to 1.
    private const float SumTolerance = 0.02f;

    // All but the odd place.
    private const double AlmostAll = 0.99;

    /// <summary>The same in words.</summary>
    public string Description => (Kind == ScoreKind.Probabilities ? "probabilities" : $"{Kind} of the scores".ToLowerInvariant())
        + $" of {Objects} {(Objects == 1 ? "class" : "classes")}"
        + (Background is { } own ? $" beside the background, which is the {(own == 0 ? "first" : "last")} column," : "")
        + (Objectness is null ? "" : " times the objectness");

    private int Objects => Classes.Count - (Background is null ? 0 : 1);

    /// <summary>Finds out what scores of a sound network are.</summary>
    /// <param name="classes">A column a class.</param>
    /// <param name="objectness">A column that all are multiplied by, or null.</param>
    /// <param name="images">Outputs of some images. Shape: [images][outputs].</param>
    public static AnchorScores Of(BoxColumns classes, BoxColumns? objectness, IReadOnlyList<IReadOnlyList<ModelOutput>> images)
    {
        BoxTable[] tables = [.. images.Select(classes.Of)];
        var all = tables.SelectMany(t => t.Values()).Concat(objectness is null ? [] : images.SelectMany(i => objectness.Of(i).Values()));
        if (all.All(value => value is >= 0 and <= 1))
        {
            bool isDistribution = classes.Count > 1 && objectness is null && Share(tables, AddsUp) >= AlmostAll;
            return new(classes, objectness, ScoreKind.Probabilities, isDistribution ? BackgroundOf(tables) : null);
        }
        if (classes.Count > 1 && objectness is null && BackgroundOf(tables) is var background
            && Share(tables, row => row[background] > 0 && Softmax(row)[background] > 0.5) > 0.5)
        {
            return new(classes, objectness, ScoreKind.Softmax, background);
        }
        return new(classes, objectness, ScoreKind.Sigmoid, null);
    }

    /// <summary>Gives the probabilities at a place of an image into a row. Shape: [classes].</summary>
    /// <param name="outputs">The image's outputs. Shape: [outputs].</param>
    public Action<int, float[]> On(IReadOnlyList<ModelOutput> outputs)
    {
        var (own, factor) = (Classes.Of(outputs), Objectness?.Of(outputs));
        return (place, row) =>
        {
            Fill(own, place, row);
            if (Kind == ScoreKind.Softmax)
            {
                TensorPrimitives.SoftMax(row, row);
            }
            else if (Kind == ScoreKind.Sigmoid)
            {
                TensorPrimitives.Sigmoid(row, row);
            }
            if (factor is { } objectness)
            {
                float value = objectness[place, 0];
                TensorPrimitives.Multiply(row, Kind == ScoreKind.Sigmoid ? 1 / (1 + MathF.Exp(-value)) : value, row);
            }
        };
    }

    private static void Fill(BoxTable table, int place, float[] row)
    {
        for (int column = 0; column < row.Length; column++)
        {
            row[column] = table[place, column];
        }
    }

    /// <summary>Share of the places of all images of which something holds; 1 where there are none.</summary>
    private static double Share(BoxTable[] tables, Func<float[], bool> holds)
    {
        long places = 0, holding = 0;
        foreach (var table in tables)
        {
            var row = new float[table.Columns];
            for (int place = 0; place < table.Rows; place++)
            {
                Fill(table, place, row);
                places++;
                holding += holds(row) ? 1 : 0;
            }
        }
        return places == 0 ? 1 : (double)holding / places;
    }

    private static bool AddsUp(float[] row) => Math.Abs(TensorPrimitives.Sum<float>(row) - 1) < SumTolerance;

    private static float[] Softmax(float[] row)
    {
        var result = new float[row.Length];
        TensorPrimitives.SoftMax(row, result);
        return result;
    }

    /// <summary>No object is what nearly all places show, and stands first or last.</summary>
    private static int BackgroundOf(BoxTable[] tables)
    {
        int last = tables[0].Columns - 1;
        double Total(int column) => tables.Sum(t => Enumerable.Range(0, t.Rows).Sum(row => (double)t[row, column]));
        return Total(last) > Total(0) ? last : 0;
    }
}
