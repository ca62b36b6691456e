using Clado.Images;
using CsCheck;
using Xunit;

namespace Clado.Tests.Images;

public class PassLedgerTests
{
    private static readonly Gen<int[]> Names = Gen.Int[0, 9].Array[0, 12];

    /// <summary>A unit counts once whatever the order and however often it is named; what is kept comes back.</summary>
    [Fact]
    public void UnitsCountOnceInAnyOrder() => Gen.Select(Names, Gen.Int[0, 1000]).Sample((names, seed) =>
    {
        var (one, other) = (new PassLedger(), new PassLedger());
        int[] shuffled = [.. names.Concat(names)];
        new Random(seed).Shuffle(shuffled);
        Array.ForEach(names, name => one.Add($"{name}", name / 3.0));
        Array.ForEach(shuffled, name => other.Add($"{name}", name / 3.0));
        other.Add(one);
        Assert.Equal(names.Distinct().Sum(name => name / 3.0), one.ImagePasses, 1e-9);
        Assert.Equal(one.ToBytes(), other.ToBytes());
        Assert.Equal(one.ImagePasses, PassLedger.Of(one.ToBytes()).ImagePasses);
    });

    /// <summary>Networks that are new run in groups, each beside the float network; what is known runs no more.</summary>
    [Fact]
    public void NetworksRunBesideTheFloatOne() => Gen.Select(Names, Names, Gen.Int[1, 4], Gen.Int[1, 50]).Sample(
        (first, second, together, images) =>
        {
            var ledger = new PassLedger();
            int Groups(int networks) => (networks + together - 1) / together;
            ledger.AddNetworks(first.Select(name => $"{name}"), images, together);
            int known = first.Distinct().Count(), more = second.Except(first).Count();
            Assert.Equal(images * (known + Groups(known)), ledger.ImagePasses);
            ledger.AddNetworks(second.Select(name => $"{name}"), images, together);
            Assert.Equal(images * (known + more + Groups(known) + Groups(more)), ledger.ImagePasses);
        });
}
