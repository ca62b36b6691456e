using System.Numerics.Tensors;
using Clado.Graphs;
using static System.FormattableString;

namespace Clado.Tasks;

/// <summary>What a network is for, by what it answers on images: the first rule that says something decides.</summary>
internal static class ValueRules
{
    // Sums and lengths of single precision, some in half precision.
    private const double Tolerance = 1e-3;

    // Of fewer images, values may be alike by chance.
    private const int LeastImages = 8;

    // Scores that compete for one class rise where others fall: their sum changes less than they do. That of independent values changes as
    // their squares add up.
    private const double SharedSum = 0.25;

    // How much above chance the highest share is, as a part of what it could be: of classes of an image, and of pixels.
    private const double DecidedImage = 0.25;
    private const double DecidedPlace = 0.5;

    private static readonly Func<AnswerEvidence, TaskDecision?>[] Rules = [Probabilities, UnitLength, Labels, Few, Features, Map];

    /// <summary>Decides; null where the images do not tell.</summary>
    /// <param name="evidence">What the network answers.</param>
    public static TaskDecision? Decide(AnswerEvidence evidence) =>
        Rules.Select(rule => rule(evidence)).FirstOrDefault(decision => decision is not null);

    /// <summary>Whether values are probabilities of classes on every image, at every place.</summary>
    /// <param name="evidence">What the network answers.</param>
    public static bool HoldsProbabilities(AnswerEvidence evidence) => evidence.Count > 1 && evidence.End.Kind == EndKind.Plain
        && evidence.Places().All(place => TensorPrimitives.Min<float>(place) >= -Tolerance
            && Math.Abs(1 - TensorPrimitives.Sum<float>(place)) <= Tolerance);

    private static TaskDecision? Probabilities(AnswerEvidence evidence) => HoldsProbabilities(evidence)
        ? new(evidence.IsVector ? NetworkTask.Classify : NetworkTask.Segment,
            $"{Output(evidence)} holds probabilities that sum to 1 on {All(evidence)}")
        {
            HoldsProbabilities = true,
        }
        : null;

    private static TaskDecision? UnitLength(AnswerEvidence evidence) => evidence.IsVector && evidence.Count > 1
        && evidence.Values.All(image => Math.Abs(1 - TensorPrimitives.Norm<float>(image)) <= Tolerance)
            ? new(NetworkTask.Embed, $"{Output(evidence)} is a vector of length 1 on {All(evidence)}")
            : null;

    /// <summary>Labels that the answers agree with, or that are as many classes as there are values.</summary>
    private static TaskDecision? Labels(AnswerEvidence evidence)
    {
        if (evidence.Labels is not { } labels || !evidence.IsVector)
        {
            return null;
        }
        bool isBinary = evidence.Count == 1;
        int classes = isBinary ? 2 : evidence.Count;
        int[] answered = isBinary ? [.. evidence.Values.Select(image => image[0] > 0 ? 1 : 0)] : evidence.Highest();
        int present = labels.Distinct().Count();
        if (present < 2 || labels.Max() >= classes)
        {
            return null;
        }
        return LabelHint.IsBeyondChance(answered, labels, 0, classes)
                ? Classify("agrees with the labels of the images more often than by chance")
            : present == classes && !isBinary ? Classify(Invariant($"has as many values as the images have classes, {classes}"))
            : null;

        TaskDecision Classify(string what) => new(NetworkTask.Classify, $"{Output(evidence)} {what}");
    }

    private static TaskDecision? Few(AnswerEvidence evidence)
    {
        if (!evidence.IsVector || !TaskRules.IsFew(evidence.Count) || evidence.End.Kind != EndKind.Plain
            || evidence.Values.Count < LeastImages)
        {
            return null;
        }
        double[] sums = [.. evidence.Values.Select(image => image.Sum(value => (double)value))];
        double shared = Variance(sums)
            / Enumerable.Range(0, evidence.Count).Sum(k => Variance([.. evidence.Values.Select(image => (double)image[k])]));
        string what = Invariant($"the sum of the {evidence.Count} values of {Output(evidence)} varies {shared:0.00} times as much ")
            + "from image to image as they do";
        return shared < SharedSum
            ? new(NetworkTask.Classify, $"{what}, as that of scores that compete") { IsCertain = false }
            : new(NetworkTask.Regress, $"{what}, and that of scores that compete would vary less") { IsCertain = false };
    }

    private static TaskDecision? Features(AnswerEvidence evidence)
    {
        if (!evidence.IsVector || !TaskRules.IsFeatureWidth(evidence.Count) || evidence.End.Kind != EndKind.Plain
            || evidence.Values.Count < LeastImages)
        {
            return null;
        }
        // Behind a Relu and a mean nothing is negative. Of scores of classes, some are.
        if (evidence.Values.All(image => TensorPrimitives.Min<float>(image) >= 0))
        {
            return new(NetworkTask.Embed, $"no value of {Output(evidence)} is negative on {All(evidence)}, as of features behind a Relu")
            {
                IsCertain = false,
            };
        }
        double decided = Decided(evidence);
        string what = Invariant($"a softmax of {Output(evidence)} would give one value {decided:P0} more than an equal share");
        return decided >= DecidedImage
            ? new(NetworkTask.Classify, $"{what}, as scores of classes do") { IsCertain = false }
            : new(NetworkTask.Embed, Invariant($"{what}: {evidence.Count} features, and no scores of classes")) { IsCertain = false };
    }

    private static TaskDecision? Map(AnswerEvidence evidence)
    {
        if (evidence.IsVector)
        {
            return null;
        }
        double decided = Decided(evidence);
        string what = Invariant($"{Output(evidence)}, read as classes of {evidence.Values[0].Length / evidence.Count:N0} places, ")
            + Invariant($"is decided there to {decided:P0}");
        return decided >= DecidedPlace
            ? new(NetworkTask.Segment, what) { IsCertain = false }
            : new(NetworkTask.Regress, what) { IsCertain = false };
    }

    /// <summary>How far the highest share is above an equal one, in the mean over places. Range: [0, 1].</summary>
    private static double Decided(AnswerEvidence evidence)
    {
        double OfSigmoids(float[] place) => place.Average(z => Math.Abs(Math.Tanh(z / 2)));
        double OfSoftmax(float[] place)
        {
            double largest = TensorPrimitives.Max<float>(place), equal = 1.0 / place.Length;
            return ((1 / place.Sum(z => Math.Exp(z - largest))) - equal) / (1 - equal);
        }
        return evidence.Places().Average(place => evidence.Classes.IsExclusive ? OfSoftmax(place) : OfSigmoids(place));
    }

    private static double Variance(double[] values)
    {
        double mean = values.Average();
        return values.Average(value => (value - mean) * (value - mean));
    }

    private static string Output(AnswerEvidence evidence) => $"output {evidence.Answers.Describe(evidence.End.Output)}";

    private static string All(AnswerEvidence evidence) => evidence.Values.Count == 1 ? "the image looked at"
        : Invariant($"every one of {evidence.Values.Count} images");
}
