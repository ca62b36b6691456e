using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Export;
using Clado.Packing;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Allocation;

public class BudgetTests
{
    [Theory]
    [InlineData("120000", 120_000)]
    [InlineData("120000B", 120_000)]
    [InlineData("820KiB", 839_680)]
    [InlineData("1.5MB", 1_500_000)]
    [InlineData("2MiB", 2_097_152)]
    [InlineData("25%", 250_000)]
    public void BytesAreRead(string text, long bytes) => Assert.Equal(bytes, Budget.Parse(text, 1_000_000).FileBytes);

    [Theory]
    [InlineData("3bit", 3)]
    [InlineData("2.25bits", 2.25)]
    public void BitsAreRead(string text, double bits) => Assert.Equal(bits, Budget.Parse(text, 1).BitsPerWeight);

    [Theory]
    [InlineData("")]
    [InlineData("much")]
    [InlineData("-3MB")]
    [InlineData("0bit")]
    [InlineData("NaN")]
    [InlineData("1e400")]
    public void OthersAreErrors(string text) => Assert.Throws<CladoException>(() => Budget.Parse(text, 1_000_000));

    [Fact]
    public void GroupingsThatDifferHaveNamesThatDiffer()
    {
        static string Name(params string[] groups) => Budget.Parse("3bit", 1, new() { SameWidth = groups }).Text;
        Assert.NotEqual(Name("a,b"), Name("a,c"));
        Assert.NotEqual(Name("a,b", "c,d"), Name("a,b,c,d"));
        Assert.NotEqual(Name(), Name("a,b"));
        Assert.Equal(Name("a,b", "c,d"), Name("d, c", "b, a"));
    }

    /// <summary>A stop is no answer: neither that nothing keeps the budget, nor a choice that was not searched for.</summary>
    [Fact]
    public void AStopIsNoAnswer()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4, 8);
        var surrogate = Harness.Diagonal(candidates, c => c.SquaredError);
        Assert.Throws<OperationCanceledException>(() => BitAllocation.Allocate(
            surrogate, candidates, new FileSize(graph, candidates.Layers), Budget.Parse("3bit", 1), new AutomaticAllocator(),
            new CancellationToken(canceled: true)));
    }

    [Fact]
    public void EveryByteBudgetIsMetAndWhatIsLeftIsTooLittleForAnything()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 3, 4, 5, 8);
        // Loss that falls fourfold a bit, in proportion to the weights: more bits always help.
        var surrogate = Harness.Diagonal(candidates, c => c.Layer.Parameters * Math.Pow(4, -c.Bits));
        var sizes = new FileSize(graph, candidates.Layers);
        AllocationResult Solve(string budget) =>
            BitAllocation.Allocate(surrogate, candidates, sizes, Budget.Parse(budget, graph.FileSizeBytes), new AutomaticAllocator());

        long smallest = Solve("none").SmallestBytes, largest = Solve("none").SizeBytes;
        Assert.All(Solve("none").Chosen, c => Assert.Equal(8, c.Bits));
        Assert.Equal(AllocationStatus.Infeasible, Solve($"{smallest - 1}").Status);
        Assert.Equal(smallest, Solve($"{smallest}").SizeBytes);
        for (long budget = smallest; budget <= largest + 10; budget += 37)
        {
            var result = Solve($"{budget}");
            Assert.Equal(AllocationStatus.Optimal, result.Status);
            Assert.Equal(result.SizeBytes, ModelWriter.Build(graph, result.Chosen).CalculateSize());
            Assert.InRange(result.SizeBytes, smallest, budget);
            for (int layer = 0; layer < result.Chosen.Count; layer++)
            {
                var own = result.Chosen[layer];
                foreach (var wider in candidates.Items.Where(c => c.Layer == own.Layer && c.Bits > own.Bits))
                {
                    var changed = result.Chosen.Select((c, i) => i == layer ? wider : c).ToArray();
                    long size = sizes.Predict(changed.Sum(c => c.SizeBytes), changed.Select(c => c.Bits));
                    Assert.True(size > budget, $"{budget}: a wider choice fits");
                }
            }
        }
    }
}
