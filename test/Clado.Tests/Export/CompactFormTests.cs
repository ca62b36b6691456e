using Clado.Candidates;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Rounding;
using Clado.Tests.Layers;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Export;

/// <summary>Forms of what is beside the codes of weights: short names, scales of 8 bits, biases of 16.</summary>
public class CompactFormTests
{
    /// <summary>Candidates of a network in the forms that files have, and that network.</summary>
    internal static (Graph Graph, CandidateSet Candidates) Candidates(Graph graph, int[] widths)
    {
        var space = CompactForms.Of(SearchSpace.Of(graph, widths, []), keepsNames: false);
        var candidates = CandidateMaker.Make(
            space.Graph, space.Layers.Layers, space.Widths, new NearestRounding(), null, Environment.ProcessorCount);
        return (space.Graph, candidates);
    }

    [Theory]
    [InlineData(25)]
    [InlineData(21)]
    public void TheRuntimeMakesTheVeryScalesOfAllCodes(int opset)
    {
        var layer = Layer(isCoded: true);
        float[] values = [.. Scales()];
        var model = new ModelProto { IrVersion = 10, Graph = new GraphProto { Name = "scales" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        model.Graph.Initializer.Add(TensorData.Create("c", DataType.Uint8, [.. Enumerable.Range(0, 256).Select(code => (byte)code)], 256));
        model.Graph.Node.Add(LocalFunctions.Call(ScaleCodes.FunctionName, ["c"], "y"));
        model.Graph.Output.Add(new ValueInfoProto { Name = "y" });
        LocalFunctions.Add(model, [ScaleCodes.Function(opset)]);
        using var session = new GraphSession(model, "scales.onnx");
        using var outputs = session.Run(_ => throw new InvalidOperationException());
        Assert.Equal(values, outputs[0].GetTensorDataAsSpan<float>().ToArray());
        Assert.Equal(Enumerable.Range(0, 256).Select(code => (byte)code), ScaleCodes.Of(values));

        IEnumerable<float> Scales()
        {
            for (float scale = ScaleCodes.Smallest; ; scale = layer.ScaleFrom(MathF.BitIncrement(scale)))
            {
                yield return scale;
                if (scale == ScaleCodes.Largest)
                {
                    yield break;
                }
            }
        }
    }

    /// <summary>The nearest by trying all; from below the next; ends hold.</summary>
    [Fact]
    public void ScalesAreTheNearestThatHaveCodes()
    {
        var (layer, free) = (Layer(isCoded: true), Layer(isCoded: false));
        var all = new List<float> { ScaleCodes.Smallest };
        while (all[^1] < ScaleCodes.Largest)
        {
            all.Add(layer.ScaleFrom(MathF.BitIncrement(all[^1])));
        }
        Assert.Equal(256, all.Count);
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            float scale = MathF.Exp((float)((random.NextDouble() * 24) - 14));
            Assert.Equal(all.MinBy(value => Math.Abs(value - scale)), layer.NearestScale(scale));
            Assert.Equal(all.Where(value => value >= scale).DefaultIfEmpty(all[^1]).Min(), layer.ScaleFrom(scale));
            Assert.Equal((scale, scale), (free.NearestScale(scale), free.ScaleFrom(scale)));
        }
    }

    /// <summary>Scales of candidates have codes, and no other code does better for a channel that is rounded to nearest.</summary>
    [Fact]
    public void RoundingChoosesAmongScalesThatHaveCodes()
    {
        var (graph, candidates) = Candidates(NetworkBuilder.SmallClassifier().BuildGraph(), [2, 3, 5]);
        Assert.Contains(candidates.Items, candidate => candidate.Layer.HasCodedScales);
        Assert.True(CompactForms.Hold(graph, candidates));
        foreach (var candidate in candidates.Items.Where(candidate => candidate.Layer.HasCodedScales))
        {
            var (layer, weights) = (candidate.Layer, TensorData.ReadSingles("", graph.Initializers[candidate.Layer.Weight]));
            for (int channel = 0; channel < layer.ChannelCount; channel++)
            {
                float[] own = [.. layer.Positions(channel).Select(position => weights[position])];
                double Error(float scale) => NearestRounding.SquaredError(own, scale, candidate.Bits);
                float scale = candidate.Scales[channel];
                double others = Math.Min(Error(layer.NearestScale(scale * 0.93f)), Error(layer.NearestScale(scale * 1.07f)));
                Assert.True(Error(scale) <= others * 1.000001);
            }
        }
        // What has any numbers is not of these forms.
        var (network, layers) = (NetworkBuilder.SmallClassifier().BuildGraph(), candidates.Layers);
        var free = Harness.Candidates(network, 3).Items.Zip(layers, (candidate, layer) => candidate with { Layer = layer });
        Assert.False(CompactForms.Hold(graph, new CandidateSet(layers, [.. free])));
    }

    /// <summary>Weights on a grid of 4 bits keep it to the bit where a width holds it, in a file of the predicted size.</summary>
    [Fact]
    public void GridsOfTheirOwnStayWhatTheyAre()
    {
        var source = NetworkBuilder.SmallClassifier().BuildGraph();
        var gridded = source.With(Harness.Candidates(source, 4).Items.Select(candidate =>
            TensorData.Singles(candidate.Layer.Weight, candidate.Dequantize(), [.. candidate.Layer.Shape])));
        var (graph, candidates) = Candidates(gridded, [2, 4, 8]);
        var sizes = new FileSize(graph, candidates.Layers);
        foreach (int bits in (int[])[2, 4, 8])
        {
            var chosen = candidates.Uniform(bits);
            var written = ModelWriter.Build(graph, chosen);
            Assert.Equal(sizes.Predict(chosen), written.CalculateSize());
            Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, chosen)), Harness.Outputs(written));
            Assert.True(chosen.Where(c => c.Layer.GridBits is not null).All(c => bits < 4 ? c.SquaredError > 0 : c.SquaredError == 0));
        }
        Assert.Contains(candidates.Layers, layer => layer is { HasCodedScales: true, GridBits: 4 });
    }

    /// <summary>Names that users know stay, others are short; on demand all stay. Names cost nothing but bytes.</summary>
    [Fact]
    public void NamesAreShortUnlessTheyAreKept()
    {
        var network = LayerTests.AllKinds();
        var (graph, candidates) = Candidates(network, [3]);
        var kept = CompactForms.Of(SearchSpace.Of(network, [3], []), keepsNames: true).Graph;
        var (written, named) = (ModelWriter.Build(graph, candidates.Items), ModelWriter.Build(kept, candidates.Items));
        string[] Ends(ModelProto model) => [.. model.Graph.Input.Concat(model.Graph.Output).Select(end => end.Name)];
        Assert.Equal(Ends(network.Model), Ends(written));
        Assert.Equal(Ends(network.Model), Ends(named));
        Assert.Equal(Harness.Outputs(named), Harness.Outputs(written));
        Assert.All(written.Graph.Node, node => Assert.Equal("", node.Name));
        Assert.All(written.Graph.Node.SelectMany(node => node.Output).Except(Ends(written)), name => Assert.InRange(name.Length, 0, 3));
        Assert.Subset(
            named.Graph.Node.SelectMany(node => node.Output).ToHashSet(), network.Nodes.SelectMany(node => node.Output).ToHashSet());
        Assert.True(written.CalculateSize() < named.CalculateSize());
        Assert.Equal(named.CalculateSize(), new FileSize(kept, candidates.Layers).Predict(
            [.. candidates.WrittenFor(kept).Items]));
    }

    /// <summary>Attributes go where they say what holds without them, and stay where they say something else.</summary>
    [Fact]
    public void AttributesThatSayNothingAreLeftOut()
    {
        var usual = Node(
            "Conv", ["x", "w"], "y", Attribute("group", 1), Attribute("dilations", 1L, 1L), Attribute("pads", 0L, 0L, 0L, 0L),
            Attribute("kernel_shape", 3L, 3L), Attribute("auto_pad", "NOTSET"));
        DefaultAttributes.Remove(usual);
        DefaultAttributes.RemoveKernelShape(usual, [8, 3, 3, 3]);
        Assert.Empty(usual.Attribute);
        var other = Node(
            "Conv", ["x", "w"], "y", Attribute("group", 2), Attribute("dilations", 1L, 2L), Attribute("pads", 0L, 0L, 1L, 1L),
            Attribute("kernel_shape", 3L, 3L));
        DefaultAttributes.Remove(other);
        DefaultAttributes.RemoveKernelShape(other, [8, 3, 1, 1]);
        Assert.Equal(4, other.Attribute.Count);
        var foreign = Node("Gemm", ["x", "w"], "y", Attribute("transB", 0));
        foreign.Domain = "com.microsoft";
        DefaultAttributes.Remove(foreign);
        Assert.Single(foreign.Attribute);
    }

    /// <summary>Biases are of 16 bits; what sizes tensors, is read behind the last layer or would lose digits, is as it was.</summary>
    [Fact]
    public void ConstantsOnTheWayToALayerAreOf16Bits()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        foreach (var (name, dims) in ((string, long[])[])[("w", [8, 3, 3, 3]), ("b", [8]), ("tiny", [8]), ("v", [5, 8]), ("end", [5])])
        {
            net.Weight(name, dims);
        }
        float[] tiny = [.. Enumerable.Range(1, 8).Select(i => i * 1.1e-6f)];
        TensorData.Overwrite(net.Model.Graph.Initializer.First(t => t.Name == "tiny"), tiny);
        net.Then("Conv", "a", ["w", "b"]).Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Add", "g", ["tiny"])
            .Then("Gemm", "h", ["v"], Attribute("transB", 1)).Then("Relu", "r").Then("Mul", "y", ["end"]);
        var graph = net.BuildGraph();
        var rounded = CompactForms.Of(SearchSpace.Of(graph, [4], []), keepsNames: true).Graph;
        float[] Values(Graph of, string name) => TensorData.ReadSingles("", of.Initializers[name]);
        Assert.Equal(Values(graph, "b").Select(HalfConstants.Rounded), Values(rounded, "b"));
        Assert.NotEqual(Values(graph, "b"), Values(rounded, "b"));
        Assert.Equal(Values(graph, "tiny"), Values(rounded, "tiny"));
        Assert.Equal(Values(graph, "end"), Values(rounded, "end"));
        Assert.Equal(["b"], HalfConstants.Of(rounded, LayerFinder.Find(rounded).Layers));
    }

    private static QuantizableLayer Layer(bool isCoded) =>
        LayerFinder.Find(NetworkBuilder.SmallClassifier().BuildGraph()).Layers[0] with { HasCodedScales = isCoded };
}
