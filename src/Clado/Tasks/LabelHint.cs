using static System.FormattableString;

namespace Clado.Tasks;

/// <summary>
/// Notices labels that count from another class than the model: answers agree with them as chance would, and more often one class further.
/// </summary>
internal static class LabelHint
{
    // One wrong hint among a thousand evaluations whose labels mean nothing to the model.
    private const double Significance = 0.001;

    /// <summary>What to try, in a sentence; null where labels and answers agree, or would not with an offset either.</summary>
    /// <param name="predicted">The class of the highest score. Shape: [images]. Range: [0, classes).</param>
    /// <param name="labels">Shape: [images]. Range: [0, classes).</param>
    /// <param name="classes">Number of classes.</param>
    public static string? Of(IReadOnlyList<int> predicted, IReadOnlyList<int> labels, int classes)
    {
        if (labels.Count == 0 || IsBeyondChance(predicted, labels, 0, classes))
        {
            return null;
        }
        foreach (int offset in (int[])[1, -1])
        {
            if (labels.All(label => label + offset >= 0 && label + offset < classes) && IsBeyondChance(predicted, labels, offset, classes))
            {
                var (now, then) = (Agreeing(predicted, labels, 0), Agreeing(predicted, labels, offset));
                return Invariant($"the model's answers agree with the labels on {now:N0} of {labels.Count:N0} images, as chance would, ")
                    + Invariant($"and on {then:N0} with {Settings.LabelOffset} {offset}");
            }
        }
        return null;
    }

    private static int Agreeing(IReadOnlyList<int> predicted, IReadOnlyList<int> labels, int offset) =>
        predicted.Zip(labels).Count(pair => pair.First == pair.Second + offset);

    /// <summary>Whether answers and labels agree more often than they would in any order of the images.</summary>
    public static bool IsBeyondChance(IReadOnlyList<int> predicted, IReadOnlyList<int> labels, int offset, int classes)
    {
        var (answers, given) = (new int[classes], new int[classes]);
        foreach (var (answer, label) in predicted.Zip(labels))
        {
            answers[answer]++;
            given[label + offset]++;
        }
        double images = labels.Count;
        double chance = answers.Zip(given, (a, g) => a / images * (g / images)).Sum();
        return Tail(labels.Count, Agreeing(predicted, labels, offset), chance) < Significance;
    }

    /// <summary>The probability of so many successes or more.</summary>
    /// <param name="trials">Range: [1, inf).</param>
    /// <param name="successes">Range: [0, trials].</param>
    /// <param name="probability">Of one success. Range: [0, 1].</param>
    internal static double Tail(int trials, int successes, double probability)
    {
        if (successes == 0 || probability is <= 0 or >= 1)
        {
            return successes == 0 || probability >= 1 ? 1 : 0;
        }
        // Binomial terms from their logarithms: the first may be below what a double holds.
        double sum = 0, term = trials * Math.Log(1 - probability);
        for (int k = 0; k <= trials; k++)
        {
            sum += k >= successes ? Math.Exp(term) : 0;
            term += Math.Log((trials - k) / (k + 1.0)) + Math.Log(probability / (1 - probability));
        }
        return sum;
    }
}
