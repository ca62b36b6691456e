using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Packing;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Allocation;

/// <summary>
/// Where no choice keeps all limits, the one named is the one that cannot be kept, and its smallest value can be reached while one less
/// cannot.
/// </summary>
public class UnreachableLimitTests
{
    private readonly Graph graph = NetworkBuilder.SmallClassifier().BuildGraph();
    private readonly CandidateSet candidates;

    public UnreachableLimitTests() => candidates = Harness.Candidates(graph, 2, 3, 4, 8);

    [Fact]
    public void BytesOfTheFile()
    {
        var limit = Solve("100").Unreachable!;
        Assert.Equal((LimitKind.FileBytes, 100.0), (limit.Kind, limit.Value));
        Reaches(limit, least => Solve($"{least}"));
    }

    [Fact]
    public void MeanBits()
    {
        var limit = Solve("1.5bit").Unreachable!;
        Assert.Equal((LimitKind.BitsPerWeight, 1.5, 2.0), (limit.Kind, limit.Value, limit.Smallest));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("3bit")]
    public void BitOperationsAlone(string budget)
    {
        var limit = Solve(budget, new() { BitOperations = 1000 }).Unreachable!;
        Assert.Equal((LimitKind.BitOperations, 1000.0), (limit.Kind, limit.Value));
        Assert.Empty(limit.Beside);
        Reaches(limit, least => Solve("none", new() { BitOperations = least }));
    }

    [Fact]
    public void CostsAlone()
    {
        var limit = Solve("none", Costs(c => 100 * c.Bits, 50)).Unreachable!;
        Assert.Equal((LimitKind.Cost, 50.0, 200.0 * candidates.Layers.Count), (limit.Kind, limit.Value, limit.Smallest));
        Reaches(limit, least => Solve("none", Costs(c => 100 * c.Bits, least)));
    }

    [Fact]
    public void CostsThatASizeForbids()
    {
        // Narrow weights are small in the file and dear by the table.
        long size = Solve("none").SmallestBytes + 200, wide = 10 * candidates.Layers.Count;
        AllocationLimits Dear(long most) => Costs(c => 90 - (10 * c.Bits), most);
        Assert.NotEmpty(Solve("none", Dear(wide)).Chosen);
        Assert.NotEmpty(Solve($"{size}").Chosen);
        var limit = Solve($"{size}", Dear(wide)).Unreachable!;
        Assert.Equal((LimitKind.Cost, (double)wide), (limit.Kind, limit.Value));
        Assert.Equal([LimitKind.FileBytes], limit.Beside);
        Reaches(limit, least => Solve($"{size}", Dear(least)));
    }

    [Fact]
    public void SharedWidthsCount()
    {
        var free = Solve("none", new() { BitOperations = 1 }).Unreachable!;
        var narrow = Harness.Candidates(graph, 2, 8);
        // One layer cannot be narrow, so none that shares its width can.
        var some = new CandidateSet(narrow.Layers, [.. narrow.Items.Where(c => c.Bits == 8 || c.Layer != narrow.Layers[0])]);
        var limits = new AllocationLimits { BitOperations = 1, SameWidth = ["*"] };
        var tied = BitAllocation.Allocate(
            Harness.Diagonal(some, c => c.SquaredError), some, new FileSize(graph, some.Layers), Budget.Parse("none", 1, limits),
            new AutomaticAllocator(),
            TestContext.Current.CancellationToken).Unreachable!;
        Assert.Equal(4 * free.Smallest, tied.Smallest);
    }

    private static void Reaches(UnreachableLimit limit, Func<long, AllocationResult> solve)
    {
        Assert.NotEmpty(solve((long)limit.Smallest!).Chosen);
        Assert.Equal(AllocationStatus.Infeasible, solve((long)limit.Smallest - 1).Status);
    }

    private AllocationResult Solve(string budget, AllocationLimits? limits = null) => BitAllocation.Allocate(
        Harness.Diagonal(candidates, c => c.SquaredError), candidates, new FileSize(graph, candidates.Layers),
        Budget.Parse(budget, graph.FileSizeBytes, limits), new AutomaticAllocator());

    private AllocationLimits Costs(Func<Candidate, long> cost, long most)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["costs.csv"], ["layer,bits,cost", .. candidates.Items.Select(c => $"{c.Layer.Name},{c.Bits},{cost(c)}")]);
        return new() { Costs = CostTable.Read(folder["costs.csv"]), MaximumCost = most };
    }
}
