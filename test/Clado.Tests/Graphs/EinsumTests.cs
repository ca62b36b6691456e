using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Graphs;

/// <summary>Products by equation become products that are quantized, and compute the same.</summary>
public class EinsumTests
{
    private const int Size = 5;

    [Theory]
    [InlineData("bchw,wd->bchd", "8,7", true)]
    [InlineData("bchw,dw->bchd", "7,8", true)]
    [InlineData("bchw,cd->bdhw", "3,7", true)]
    [InlineData("dc,bchw->bdhw", "7,3", true)]
    [InlineData("...w,wd->...d", "8,7", true)]
    [InlineData("...hw,hd", "8,7", true)]
    [InlineData("bc...,cd->bd...", "3,7", true)]
    [InlineData("bchw,wde->bched", "8,2,4", true)]
    [InlineData("bchw,hwd->bcd", "8,8,4", true)]
    [InlineData("bchw,whd->bcd", "8,8,4", true)]
    [InlineData("bchw,chwd->bd", "3,8,8,4", true)]
    [InlineData("bchw,cwd->bhcd", "3,8,4", true)]
    [InlineData("bchw,hcde->bedhw", "8,3,2,4", true)]
    [InlineData("bchw,hcde->bedh", "8,3,2,4", false)]
    [InlineData("bchw,chwd->bchd", "3,8,8,4", true)]
    [InlineData("bchw, cd", "3,7", true)]
    [InlineData("bchw,wd->bch", "8,7", false)]
    [InlineData("bchw,w->bchw", "8", false)]
    [InlineData("bchw,w->bch", "8", false)]
    [InlineData("bchh,hd->bcd", "8,7", false)]
    [InlineData("bchw,hw->bchw", "8,8", false)]
    [InlineData("bchw,wd->bcd", "8,7", false)]
    [InlineData("bchw,hd->bcwd", "1,7", false)]
    public void EquationsThatAreProductsAreRewritten(string equation, string shape, bool isProduct)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        bool isLeft = equation.StartsWith("dc", StringComparison.Ordinal);
        net.Weight("w", [.. shape.Split(',').Select(long.Parse)]);
        net.Add("Einsum", isLeft ? ["w", "x"] : ["x", "w"], "y", Attribute("equation", equation));
        var graph = CheckSame(net.Build());
        Assert.Equal(isProduct ? 0 : 1, graph.Nodes.Count(n => n.Is("Einsum")));
        Assert.Equal(isProduct ? 1 : 0, graph.Nodes.Count(n => n.Is("MatMul")));
        if (isProduct)
        {
            Assert.Equal("einsum_y", graph.Nodes.Single(n => n.Is("MatMul")).Name);
            Assert.DoesNotContain(graph.Initializers.Values, t => t.Dims.Count > 1 && t.Name == "w" && graph.Consumers("w").Count == 0);
        }
    }

    /// <summary>Random equations compute what ONNX Runtime computes of them, and none with a matrix product is left.</summary>
    [Fact]
    public void RandomEquationsComputeTheSame()
    {
        // The activation has labels b c h w; of the constant, some are new.
        var gen =
            from shared in Gen.Shuffle("bchw".ToCharArray(), 1, 3)
            from kept in Gen.Bool.Array[shared.Length]
            from free in Gen.Int[1, 2]
            from order in Gen.Shuffle(Enumerable.Range(0, shared.Length + free).ToArray())
            from output in Gen.Double.Array[4 + free]
            where !shared.Contains('b') && kept.Contains(false)
            select (shared, kept, free, order, output);
        gen.Sample(sample =>
        {
            var (shared, kept, free, order, output) = sample;
            char[] all = [.. shared, .. "yz"[..free]];
            var constant = string.Concat(order.Select(i => all[i]));
            var dropped = shared.Where((_, i) => !kept[i]).ToHashSet();
            char[] left = [.. "bchw".Where(label => !dropped.Contains(label)), .. "yz"[..free]];
            Array.Sort(output[..left.Length], left);
            // Images stay in front, so that every image is its own.
            var result = "b" + string.Concat(left.Where(label => label != 'b'));
            var net = new NetworkBuilder(input: [3, 8, 8]);
            net.Weight("w", [.. constant.Select(label => label switch { 'c' => 3L, 'h' or 'w' => 8, _ => Size })]);
            net.Add("Einsum", ["x", "w"], "y", Attribute("equation", $"bchw,{constant}->{result}"));
            var graph = CheckSame(net.Build());
            Assert.DoesNotContain(graph.Nodes, n => n.Is("Einsum"));
        }, iter: 40, threads: 1);
    }

    /// <summary>Two uses of one constant in the same order share what is made of it.</summary>
    [Fact]
    public void AConstantOfTwoEquationsStaysOne()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 8, 8);
        net.Then("Einsum", "a", ["w"], Attribute("equation", "bchw,dw->bchd"))
            .Then("Einsum", "y", ["w"], Attribute("equation", "bchw,dw->bchd"));
        var layer = Assert.Single(LayerFinder.Find(CheckSame(net.Build())).Layers);
        Assert.Equal(2, layer.Nodes.Count);
    }

    private static Graph CheckSame(ModelProto model)
    {
        var graph = Graph.FromModel(model, "test.onnx");
        var (expected, actual) = (Harness.Outputs(model), Harness.Outputs(graph.Model));
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-4f));
        return graph;
    }
}
