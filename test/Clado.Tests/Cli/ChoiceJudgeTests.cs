using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Which of two choices an allocation keeps.</summary>
public class ChoiceJudgeTests
{
    // Every fourth image is held back.
    private static readonly double[] Theirs = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

    [Fact]
    public void WhereRoundingHasSeenTheImagesOnlyThoseHeldBackCount()
    {
        double[] betterElsewhere = [.. Theirs.Select((loss, image) => image % 4 == 3 ? loss : loss - 0.5)];
        double[] betterHere = [.. Theirs.Select((loss, image) => image % 4 == 3 ? loss - 0.1 : loss + 0.5)];
        var fitted = new ChoiceJudge(isFitted: true);
        Assert.False(fitted.IsBetter(betterElsewhere, Theirs, holdsBack: true));
        Assert.True(fitted.IsBetter(betterHere, Theirs, holdsBack: true));
        Assert.True(fitted.IsBetter(betterElsewhere, Theirs, holdsBack: false));
        var unfitted = new ChoiceJudge(isFitted: false);
        Assert.True(unfitted.IsBetter(betterElsewhere, Theirs, holdsBack: true));
        Assert.False(unfitted.IsBetter(betterHere, Theirs, holdsBack: true));
    }

    [Fact]
    public void AChanceGainCountsOnlyWhereRoundingHasNotSeenTheImages()
    {
        // Held back: gains of 1, −0.8, 1, −0.8; mean 0.1, standard error 0.45.
        double[] own = [.. Theirs.Select((loss, image) => image % 4 != 3 ? loss : image % 8 == 3 ? loss - 1 : loss + 0.8)];
        Assert.False(new ChoiceJudge(isFitted: true).IsBetter(own, Theirs, holdsBack: true));
        Assert.True(new ChoiceJudge(isFitted: false).IsBetter(own, Theirs, holdsBack: true));
        Assert.False(new ChoiceJudge(isFitted: false).IsBetter(Theirs, Theirs, holdsBack: true));
    }
}
