using Clado.Activations;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Packing;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Allocation;

/// <summary>
/// Every width that a file uses costs the bytes of its function, which matters most where budgets are tight. What is called optimal is
/// compared with the best of all sets of widths, each solved by itself with its functions paid.
/// </summary>
public class WidthSetTests
{
    // An objective is proven to this.
    private const double Gap = 2e-6;

    [Theory]
    [InlineData(new[] { 2, 3, 4, 6, 8 }, 25)]
    [InlineData(new[] { 2, 3, 4, 5, 6, 7, 8 }, 5)]
    public void WhatIsCalledOptimalIsTheBestOverAllSetsOfWidths(int[] bits, int count)
    {
        var network = Sample(bits);
        // Loss that grows with the error of the weights, as single losses do.
        var surrogate = Harness.Diagonal(network.Candidates, c => c.SquaredError);
        double before = double.PositiveInfinity;
        foreach (long bytes in Budgets(network, surrogate, count))
        {
            var found = Allocate(network, surrogate, bytes);
            double best = Best(network, surrogate, bytes);
            Assert.Equal(double.IsInfinity(best) ? AllocationStatus.Infeasible : AllocationStatus.Optimal, found.Status);
            if (found.Status == AllocationStatus.Optimal)
            {
                Assert.True(found.SizeBytes <= bytes, $"{bytes} bytes: the file has {found.SizeBytes}");
                Assert.True(found.Objective <= best * (1 + Gap), $"{bytes} bytes: {found.Objective} is called optimal, {best} is there");
                Assert.True(found.Bound <= best * (1 + Gap), $"{bytes} bytes: the bound {found.Bound} is above {best}");
                Assert.True(found.Objective <= before * (1 + Gap), $"{bytes} bytes: {found.Objective}, with fewer bytes {before}");
                before = found.Objective;
            }
        }
    }

    [Fact]
    public void SoItIsWithCrossTerms()
    {
        var network = Sample(2, 3, 4, 8);
        int n = network.Candidates.Items.Count;
        // Errors of layers next to one another work together, those further apart against one another.
        double Size(int a) => Math.Sqrt(network.Candidates.Items[a].SquaredError);
        int Apart(int a, int b) => Math.Abs(network.Candidates.LayerOf[a] - network.Candidates.LayerOf[b]);
        double Cross(int a, int b) => Apart(a, b) switch { 0 => a == b ? 1 : 0, 1 => 0.4, _ => -0.02 };
        double[] matrix = [.. Enumerable.Range(0, n).SelectMany(a => Enumerable.Range(0, n).Select(b => Cross(a, b) * Size(a) * Size(b)))];
        var surrogate = new Surrogate { Name = "crossed", Matrix = matrix };
        double before = double.PositiveInfinity;
        foreach (long bytes in Budgets(network, surrogate, 8))
        {
            var found = Allocate(network, surrogate, bytes);
            double best = Best(network, surrogate, bytes);
            if (!double.IsInfinity(best))
            {
                Assert.Equal(AllocationStatus.Optimal, found.Status);
                Assert.Equal(best, found.Objective, Gap * Math.Abs(best));
                Assert.True(found.Objective <= before + (Gap * Math.Abs(before)));
                before = found.Objective;
            }
        }
    }

    private sealed record Network(CandidateSet Candidates, FileSize FileSize);

    private static Network Sample(params int[] bits)
    {
        var graph = Graph.Read(Path.Combine(Repository.Root, "samples", "resnet20.onnx"));
        var candidates = Harness.Candidates(graph, bits);
        return new Network(candidates, new FileSize(graph, candidates.Layers, ActivationFormat.Int8));
    }

    private static AllocationResult Allocate(Network network, Surrogate surrogate, long bytes) => BitAllocation.Allocate(
        surrogate, network.Candidates, network.FileSize, new Budget { Text = $"{bytes}", FileBytes = bytes }, new AutomaticAllocator());

    private static IEnumerable<long> Budgets(Network network, Surrogate surrogate, int count)
    {
        var any = new Budget { Text = "none" };
        var all = BitAllocation.Allocate(surrogate, network.Candidates, network.FileSize, any, new AutomaticAllocator());
        // Most of them near the smallest file, where a function's bytes are many.
        long Between(double share) => (long)((all.SizeBytes - all.SmallestBytes) * Math.Pow(share, 1.5));
        return Enumerable.Range(0, count).Select(i => all.SmallestBytes - 1 + Between((double)i / (count - 1)));
    }

    /// <summary>The least objective of every set of widths, its functions paid for.</summary>
    private static double Best(Network network, Surrogate surrogate, long bytes)
    {
        var (candidates, all) = (network.Candidates, network.Candidates.Items.Count);
        int[] widths = [.. candidates.Items.Select(c => c.Bits).Distinct().Order()];
        double best = double.PositiveInfinity;
        for (int set = 1; set < 1 << widths.Length; set++)
        {
            int[] own = [.. widths.Where((_, i) => (set >> i & 1) == 1)];
            int[] rows = [.. Enumerable.Range(0, all).Where(a => own.Contains(candidates.Items[a].Bits))];
            var problem = new AllocationProblem(
                [.. rows.SelectMany(a => rows.Select(b => surrogate.Matrix[(a * all) + b]))], [.. rows.Select(a => candidates.LayerOf[a])],
                [[.. rows.Select(a => candidates.Items[a].SizeBytes)]], [network.FileSize.WeightBudget(bytes, own)]);
            best = Math.Min(best, new AutomaticAllocator().Solve(problem).Objective);
        }
        return best;
    }
}
