using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Onnx;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Suffixes that share segments of a network compute what they compute alone, and hold less.</summary>
public class SegmentTests
{
    private const int Blocks = 6;

    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    private static readonly AttributeProto Pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);

    [Fact]
    public void WhatIsDividedComputesTheSame()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        foreach (var graph in (Graph[])[Residual(shares: false), Residual(shares: true), TwoHeads()])
        {
            var candidates = Harness.Candidates(graph, 2);
            var (whole, divided) = (Cuts(graph, candidates, long.MaxValue), Cuts(graph, candidates, 1));
            Assert.All(candidates.Layers.Index(), layer => Assert.Equal([layer.Index], whole.PartsOf(layer.Index)));
            Assert.Contains(candidates.Layers.Index(), layer => divided.PartsOf(layer.Index).Count() > 2);
            var (expected, found) = (Outputs(whole, candidates, images), Outputs(divided, candidates, images));
            Assert.Equal(expected.Count, found.Count);
            Assert.All(expected.Zip(found), pair => Assert.All(
                pair.First.Zip(pair.Second), value => Assert.Equal(value.First, value.Second, 1e-5f * Math.Max(1, Math.Abs(value.First)))));
            Assert.All(expected.Skip(1), own => Assert.NotEqual(expected[0], own));
        }
    }

    /// <summary>Of a network twice as deep suffixes alone hold four times as much.</summary>
    [Fact]
    public void WhatIsHeldGrowsWithTheDepth()
    {
        long[] Held(long fewBytes) => [.. new[] { Blocks, 2 * Blocks }.Select(blocks =>
        {
            var graph = Residual(shares: false, blocks);
            return Cuts(graph, Harness.Candidates(graph, 2), fewBytes).PartBytes.Sum();
        })];

        var (alone, shared) = (Held(long.MaxValue), Held(1));
        Assert.InRange((double)alone[1] / alone[0], 3.2, 4.5);
        Assert.InRange((double)shared[1] / shared[0], 1.5, 2.5);
    }

    /// <summary>The network, and every layer replaced alone, and every pair of layers.</summary>
    private static List<float[]> Outputs(NetworkCuts cuts, CandidateSet candidates, ImageSet images)
    {
        using var network = new PerturbedNetwork(
            cuts.Graph, cuts, OutputSource.Float("test.onnx"), new MemoryPlan(1L << 30, IsTight: false));
        using var start = network.Run(new Workload(images, Unit).Batches(cuts.Graph, 2).Load(0));
        List<float[]> outputs = [network.Outputs(start)];
        for (int i = 0; i < candidates.Layers.Count; i++)
        {
            using var own = network.Values(candidates.Items[i]);
            using var alone = network.Perturb(start, i, own, tapped: false);
            using var tapped = network.Perturb(start, i, own, tapped: true);
            outputs.AddRange([network.Outputs(alone), network.Outputs(tapped)]);
            for (int j = i + 1; j < candidates.Layers.Count; j++)
            {
                using var other = network.Values(candidates.Items[j]);
                using var pair = network.Perturb(tapped, j, other, tapped: false);
                outputs.Add(network.Outputs(pair));
            }
        }
        return outputs;
    }

    private static NetworkCuts Cuts(Graph graph, CandidateSet candidates, long fewBytes) =>
        new(graph, candidates.Layers, Readout.Of(graph), fewBytes);

    /// <summary>Residual blocks of two convolutions; the last block may use the weights of the second one.</summary>
    private static Graph Residual(bool shares, int blocks = Blocks)
    {
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Then("Conv", "stem", [net.Weight("w", 8, 3, 3, 3)], Pads);
        for (int block = 0; block < blocks; block++)
        {
            int own = shares && block == blocks - 1 ? 1 : block;
            string Weight(string name) => own == block ? net.Weight(name, 8, 8, 3, 3) : name;
            string from = net.Last;
            net.Then("Conv", $"a{block}", [Weight($"v{own}")], Pads).Then("Relu", $"r{block}")
                .Then("Conv", $"b{block}", [Weight($"w{own}")], Pads).Then("Add", $"s{block}", [from]).Then("Relu", $"o{block}");
        }
        return net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("MatMul", "logits", [net.Weight("last", 8, 5)]).BuildGraph();
    }

    /// <summary>A trunk with two ends, each of several layers.</summary>
    private static Graph TwoHeads()
    {
        var net = new NetworkBuilder(input: [3, 24, 24]);
        void Layers(string name, int count, int channels)
        {
            for (int i = 0; i < count; i++)
            {
                net.Then("Conv", $"{name}{i}", [net.Weight($"w{name}{i}", 8, i == 0 ? channels : 8, 3, 3)], Pads)
                    .Then("Relu", $"{name}{i}_");
            }
        }

        Layers("trunk", 4, 3);
        string trunk = net.Last;
        Layers("left", 3, 8);
        string left = net.Last;
        net.Add("Identity", [trunk], "again");
        Layers("right", 3, 8);
        return net.BuildGraph(left, net.Last);
    }
}
