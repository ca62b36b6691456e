using Clado.Allocation;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Which of two choices an allocation keeps.</summary>
public class ChoiceJudgeTests
{
    private static readonly ChoiceLosses Theirs = Losses(1, 1);

    [Fact]
    public void WhereRoundingHasSeenTheImagesOnlyThoseHeldBackCount()
    {
        var (betterElsewhere, betterHere) = (Losses(1, 0.5), Losses(0.9, 1.5));
        var fitted = new ChoiceJudge(isFitted: true, holdsBack: true);
        Assert.Null(fitted.Best([betterElsewhere], Theirs));
        Assert.Equal(0, fitted.Best([betterHere], Theirs));
        Assert.Equal(0, new ChoiceJudge(isFitted: true, holdsBack: false).Best([betterElsewhere with { HeldBack = [] }], Losses(0, 1, 0)));
        var unfitted = new ChoiceJudge(isFitted: false, holdsBack: true);
        Assert.Equal(0, unfitted.Best([betterElsewhere], Theirs));
        Assert.Null(unfitted.Best([betterHere], Theirs));
    }

    [Fact]
    public void AChanceGainCountsOnlyWhereRoundingHasNotSeenTheImages()
    {
        // Held back: gains of 1, −0.8, 1, −0.8; mean 0.1, standard error 0.45.
        var own = Theirs with { HeldBack = [0, 1.8, 0, 1.8] };
        Assert.Null(new ChoiceJudge(isFitted: true, holdsBack: true).Best([own], Theirs));
        Assert.Equal(0, new ChoiceJudge(isFitted: false, holdsBack: true).Best([own], Theirs));
        Assert.Null(new ChoiceJudge(isFitted: false, holdsBack: true).Best([Theirs], Theirs));
    }

    /// <summary>The first is kept where nothing was; then each has to show that it is worth more than the one before it.</summary>
    [Fact]
    public void TheFirstStandsUntilAnotherShowsThatItIsBetter()
    {
        var fitted = new ChoiceJudge(isFitted: true, holdsBack: true);
        Assert.Equal(0, fitted.Best([Theirs, Theirs with { HeldBack = [0, 1.8, 0, 1.8] }], null));
        Assert.Equal(2, fitted.Best([Theirs, Losses(0.9, 2), Losses(0.8, 3)], null));
        Assert.Null(fitted.Best([], null));
    }

    /// <summary>
    /// Held back images come first. What cannot win by them is not run on the others; where they decide alone, nothing is. The best
    /// choice is never left out.
    /// </summary>
    [Fact]
    public void WhatCannotWinIsNotRunOnAllImages()
    {
        double[] good = [1, 1.1, 0.9, 1], near = [1.2, 0.9, 1.3, 0.8], bad = [3, 3.1, 2.9, 3];
        Assert.Equal([true, true, false], new ChoiceJudge(isFitted: false, holdsBack: true).NeedAll([good, near, bad], null));
        Assert.Equal([false, false, false], new ChoiceJudge(isFitted: true, holdsBack: true).NeedAll([good, near, bad], null));
        Assert.Equal([true, true], new ChoiceJudge(isFitted: false, holdsBack: false).NeedAll([[], []], null));
        // Against a choice that was there before.
        Assert.Equal([false], new ChoiceJudge(isFitted: false, holdsBack: true).NeedAll([bad], new ChoiceLosses(good, [1])));
        // One that was not run on all images is none that wins, however little it loses.
        var unfitted = new ChoiceJudge(isFitted: false, holdsBack: true);
        Assert.Equal(1, unfitted.Best([new ChoiceLosses(bad, null), new ChoiceLosses(good, [1])], null));
        Assert.Equal(2, unfitted.Gain(new ChoiceLosses(good, [1]), new ChoiceLosses(bad, [3])).Mean, 1e-12);
        Assert.Equal(-2, unfitted.Gain(new ChoiceLosses(bad, null), new ChoiceLosses(good, [1])).Mean, 1e-12);
    }

    /// <summary>What is said of a choice follows from what was measured.</summary>
    [Fact]
    public void TheReasonIsThatOfTheTrials()
    {
        static AllocationTrial Trial(string name, LossGain? gain) => new(0, name, 1, 1, 1, gain is null) { Gain = gain };
        string? Reason(params AllocationTrial[] trials) => new AllocationResult
        {
            Status = AllocationStatus.Optimal,
            Budget = Budget.Parse("3bit", 1000),
            Chosen = [],
            SizeBytes = 0,
            Surrogate = "diagonal",
            Objective = 0,
            Bound = 0,
            Gap = 0,
            SmallestBytes = 0,
            SmallestBitsPerWeight = 2,
            Trials = trials,
        }.Reason;
        var (kept, same) = (Trial("diagonal", null), Trial("fisher/4", new LossGain(0, 0, 128)));
        Assert.Null(Reason());
        Assert.Equal("all that were tried choose the same", Reason(kept, same));
        Assert.Equal(
            "the best of the others, fisher/2, gains 0.0005 ± 0.0004 on 128 images: within noise",
            Reason(kept, same, Trial("fisher/2", new LossGain(0.0005, 0.0004, 128)), Trial("fisher", new LossGain(-0.1, 0.01, 128))));
        Assert.Equal(
            "the best of the others, fisher, loses 0.1000 ± 0.0100 on 1,024 images more",
            Reason(Trial("fisher", new LossGain(-0.1, 0.01, 1024)), kept));
    }

    private static ChoiceLosses Losses(double heldBack, double seen, int heldBackCount = 4) =>
        new([.. Enumerable.Repeat(heldBack, heldBackCount)], [.. Enumerable.Repeat(seen, 12)]);
}
