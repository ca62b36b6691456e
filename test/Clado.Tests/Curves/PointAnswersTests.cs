using Clado.Curves;
using CsCheck;
using Xunit;

namespace Clado.Tests.Curves;

public class PointAnswersTests
{
    [Fact]
    public void WhatIsRecordedComesBack() =>
        Gen.Select(Gen.Double[0, 9].Array[1, 20], Gen.Bool, Gen.Bool, Gen.Int[0, 9]).Sample((losses, isLabelled, isClassifier, seed) =>
        {
            var random = new Random(seed);
            double[] Bits(bool known) => known ? [.. losses.Select(_ => (double)random.Next(2))] : [];
            var answers = new PointAnswers(losses, Bits(isLabelled), Bits(isClassifier));
            Assert.Equal(PointAnswers.CountOf(losses.Length), answers.ToValues().Length);
            var found = PointAnswers.FromValues(answers.ToValues());
            Assert.Equal(answers.Losses, found.Losses);
            Assert.Equal(answers.Wrong, found.Wrong);
            Assert.Equal(answers.Apart, found.Apart);
        });

    /// <summary>A hand-made case: the mean and its standard error, against no network and against another.</summary>
    [Fact]
    public void ErrorsAreThoseOfTheMeanOfDifferences()
    {
        var own = new PointAnswers([1, 3, 1, 3], [0, 0, 1, 0], []);
        var other = new PointAnswers([2, 4, 2, 4], [1, 1, 1, 0], []);
        // Deviations of 1 on four images: √(1 / 4).
        Assert.Equal(0.5, own.LossError);
        var point = new CurvePoint
        {
            Method = CurveMethod.Diagonal,
            Budget = "3bit",
            SizeBytes = 1,
            BitsPerWeight = 3,
            Allocation = new Dictionary<string, int>(),
        };
        var gain = own.GainOver(point, other);
        Assert.Equal((1, 0), (gain.Loss.Mean, gain.Loss.StandardError));
        Assert.Equal((0.5, 0.25), (gain.Top1!.Mean, gain.Top1.StandardError));
        Assert.Null(gain.Agreement);
    }
}
