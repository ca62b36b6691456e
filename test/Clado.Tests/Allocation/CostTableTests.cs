using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Packing;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Allocation;

public class CostTableTests
{
    [Fact]
    public void LinesAreRead()
    {
        var table = Table("layer,bits,cost", "conv1,2,10", "", "a,b , 4 , 20");
        Assert.Equal(10, table["conv1", 2]);
        Assert.Equal(20, table["a,b", 4]);
    }

    [Theory]
    [InlineData("(line 1)", "name,bits,cost")]
    [InlineData("(line 2)", "layer,bits,cost", "conv1,2")]
    [InlineData("(line 2)", "layer,bits,cost", "conv1,2,-1")]
    [InlineData("(line 2)", "layer,bits,cost", "conv1,two,1")]
    [InlineData("(line 3)", "layer,bits,cost", "conv1,2,1", "conv1,2,2")]
    [InlineData("(line 3)", "layer,bits,cost", "conv1,2,9007199254740992", "conv1,4,1")]
    public void OtherLinesAreErrorsThatSayWhere(string where, params string[] lines) =>
        Assert.Contains(where, Assert.Throws<CladoException>(() => Table(lines)).Message, StringComparison.Ordinal);

    [Fact]
    public void AMissingLineIsNamed() =>
        Assert.Contains(
            "'conv2' at 8 bits",
            Assert.Throws<CladoException>(() => Table("layer,bits,cost")["conv2", 8]).Message,
            StringComparison.Ordinal);

    [Fact]
    public void AMissingFileIsAnError() => Assert.Throws<CladoException>(() => CostTable.Read("nowhere.csv"));

    [Fact]
    public void TheTableIsABudgetBesideTheOthers()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4, 8);
        var surrogate = Harness.Diagonal(candidates, c => Math.Pow(4, -c.Bits));
        var table = Table(["layer,bits,cost", .. candidates.Items.Select(c => $"{c.Layer.Name},{c.Bits},{c.Bits}")]);
        long most = 4 * candidates.Layers.Count;
        var result = BitAllocation.Allocate(
            surrogate, candidates, new FileSize(graph, candidates.Layers),
            Budget.Parse("none", 1, new() { Costs = table, MaximumCost = most }),
            new AutomaticAllocator(), TestContext.Current.CancellationToken);
        Assert.Equal(AllocationStatus.Optimal, result.Status);
        Assert.InRange(result.Chosen.Sum(c => c.Bits), 2 * candidates.Layers.Count, most);
        Assert.Contains(result.Chosen, c => c.Bits < 8);
    }

    private static CostTable Table(params string[] lines)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "costs.csv");
        File.WriteAllLines(path, lines);
        return CostTable.Read(path);
    }
}
