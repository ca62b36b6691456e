using Clado.Activations;
using Clado.Candidates;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Support;
using Google.Protobuf;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Layers;

/// <summary>Recurrent weights, tables, batches of matrices and products by equation are layers like any other.</summary>
public class ConstantKindTests
{
    public static TheoryData<string> Kinds => [.. ConstantKinds.Names];

    [Theory]
    [InlineData("lstm", "w", "lstm_h.W", "LSTM", 1, 1, 64, true, 24 * 64 * 8)]
    [InlineData("lstm", "r", "lstm_h.R", "LSTM", 1, 1, 64, true, 24 * 64 * 16)]
    [InlineData("bidirectional lstm", "r", "lstm_h.R", "LSTM", 1, 2, 128, true, 24 * 2 * 64 * 16)]
    [InlineData("gru", "r", "gru_h.R", "GRU", 1, 1, 48, true, 24 * 48 * 16)]
    [InlineData("gru before reset", "r", "gru_h.R", "GRU", 1, 1, 48, true, 24 * 48 * 16)]
    [InlineData("gru before reset", "w", "gru_h.W", "GRU", 1, 1, 48, true, 24 * 48 * 8)]
    [InlineData("bidirectional rnn", "w", "rnn_h.W", "RNN", 1, 2, 64, true, 24 * 2 * 32 * 8)]
    [InlineData("last state", "r", "lstm_h.R", "LSTM", 1, 1, 64, true, 24 * 64 * 16)]
    [InlineData("batch", "w", "matmul_m", "MatMul", 2, 3, 36, true, 3 * 8 * 8 * 12)]
    [InlineData("batch at the left", "w", "matmul_m", "MatMul", 1, 3, 36, true, 3 * 8 * 8 * 12)]
    [InlineData("batch of shared rows", "w", "matmul_m", "MatMul", 3, 2, 40, true, 2 * 3 * 8 * 8 * 20)]
    [InlineData("batch in the middle", "w", "matmul_m", "MatMul", 3, 3, 36, true, 3 * 2 * 8 * 8 * 12)]
    [InlineData("batch of one", "w", "matmul_m", "MatMul", 3, 1, 40, true, 8 * 8 * 40)]
    [InlineData("table", "w", "gather_rows", "Gather", 1, 1, 16, false, 0)]
    [InlineData("table of long rows", "w", "gather_rows", "Gather", 0, 1, 40, false, 0)]
    [InlineData("relative positions", "w", "gather_biases", "Gather", 1, 1, 8, false, 0)]
    [InlineData("einsum", "w", "einsum_m", "MatMul", 1, 1, 40, true, 3 * 8 * 8 * 40)]
    public void EveryKindIsFound(
        string kind, string weight, string name, string op, int axis, int matrices, int scales, bool hasKnownInputs, long macs)
    {
        var found = LayerFinder.Find(ConstantKinds.Of(kind).BuildGraph());
        var layer = found.Layers.Single(l => l.Weight == weight);
        Assert.Equal((name, op, axis, matrices), (layer.Name, layer.Op, layer.ChannelAxis, layer.Matrices));
        Assert.Equal((scales, hasKnownInputs, macs), (layer.ChannelCount, layer.HasKnownInputs, layer.Macs));
        Assert.DoesNotContain(found.Kept, k => k.Constant == weight);
    }

    /// <summary>
    /// The float weight that the file makes of its codes is the candidate's, to the bit, and so are the outputs; and the file has the
    /// predicted size.
    /// </summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheFilesWeightsAreTheCandidates(string kind)
    {
        var later = ConstantKinds.Of(kind).BuildGraph();
        foreach (var graph in (Graph[])[later, Harness.Earlier(later)])
        {
            foreach (int bits in (int[])[2, 3, 4, 5, 6, 7, 8])
            {
                var candidates = Harness.Candidates(graph, bits);
                var written = OnnxFile.Parse("m.onnx", ModelWriter.Build(graph, candidates.Items).ToByteArray());
                Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, candidates.Items)), Harness.Outputs(written));
                var sizes = new FileSize(graph, candidates.Layers);
                Assert.Equal(written.CalculateSize(), sizes.Predict(candidates.Items.Sum(c => c.SizeBytes), [bits]));
                Assert.Equal(candidates.Items.SelectMany(c => c.Dequantize()), Weights(written, candidates.Items));
            }
        }
    }

    /// <summary>With activations of 8 bits these nodes compute in floats, and the file has the predicted size.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void ActivationsDoNotChangeHowTheyCompute(string kind)
    {
        var graph = ConstantKinds.Of(kind).BuildGraph();
        var candidates = Harness.Candidates(graph, 8);
        var plan = ActivationPlan.Of(graph, candidates.Layers);
        Assert.All(plan.Nodes, node => Assert.True(node.Layer.HasIntegerKernel));
        var activations = new QuantizedActivations(
            plan, new ActivationRanges([.. plan.Ranges.Select(_ => 4f / 255)], [.. plan.Ranges.Select(_ => (byte)128)]));
        var written = ModelWriter.Build(graph, candidates.Items, activations);
        Assert.Equal(
            written.CalculateSize(),
            new FileSize(graph, candidates.Layers, ActivationFormat.Int8).Predict(candidates.Items.Sum(c => c.SizeBytes), [8]));
        var simulated = Harness.Outputs(SimulatedModel.Build(graph, candidates.Items, activations));
        Assert.All(simulated.Zip(Harness.Outputs(written, integers: true)), p => Assert.Equal(p.First, p.Second, 0.05f));
    }

    /// <summary>A table that may hold coordinates, or is small, is kept and said.</summary>
    [Theory]
    [InlineData("picked", "places in the image")]
    [InlineData("at the end", "no layer depends")]
    [InlineData("small", "from 256 weights on")]
    public void TablesThatAreKeptAreSaid(string what, string reason)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        var initializers = net.Model.Graph.Initializer;
        initializers.Add(TensorData.Integers("count", [4], 1));
        initializers.Add(TensorData.Integers("shape", [0, -1], 2));
        initializers.Add(TensorData.Singles("scale", [99f]));
        initializers.Add(TensorData.Integers("axes", [2, 3], 2));
        net.Then("Conv", "c", [net.Weight("f", 4, 3, 3, 3)]).Then("Reshape", "flat", ["shape"]);
        if (what == "picked")
        {
            net.Add("TopK", ["flat", "count"], "values");
            net.Model.Graph.Node[^1].Output.Add("at");
        }
        else
        {
            net.Add("ReduceMean", ["x", "axes"], "mean", Attribute("keepdims", 0)).Then("Sigmoid", "size").Then("Mul", "place", ["scale"])
                .Then("Cast", "at", null, Attribute("to", (long)DataType.Int64));
        }
        long width = what == "small" ? 2 : 4;
        net.Add("Gather", [net.Weight("t", what == "picked" ? 200 : 100, width), "at"], "rows");
        if (what != "at the end")
        {
            net.Then("MatMul", "y", [net.Weight("w", width, 3)]);
        }
        var found = LayerFinder.Find(net.BuildGraph(net.Last, "flat"));
        Assert.DoesNotContain(found.Layers, l => l.Weight == "t");
        Assert.Contains(reason, Assert.Single(found.Kept, k => k.Constant == "t").Reason, StringComparison.Ordinal);
    }

    /// <summary>A table that is a factor as well, as tied embeddings are, is quantized as a factor is.</summary>
    [Fact]
    public void ATableThatIsMultipliedHasTheScalesOfAFactor()
    {
        var net = ConstantKinds.Of("table");
        net.Model.Graph.Node.RemoveAt(net.Model.Graph.Node.Count - 1);
        var graph = net.Add("Gemm", ["flat", net.Weight("v", 48, 16)], "g").Then("Gemm", "out", ["w"], Attribute("transB", 1)).BuildGraph();
        var layer = LayerFinder.Find(graph).Layers.Single(l => l.Weight == "w");
        Assert.Equal(("Gemm", 0, true, 2), (layer.Op, layer.ChannelAxis, layer.HasKnownInputs, layer.Nodes.Count));
        var chosen = Harness.Candidates(graph, 4).Items;
        Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, chosen)), Harness.Outputs(ModelWriter.Build(graph, chosen)));
    }

    /// <summary>Weights that are stored in half precision are weights here too.</summary>
    [Theory]
    [InlineData("lstm")]
    [InlineData("table")]
    [InlineData("einsum of heads")]
    public void WeightsBehindACastAreFound(string kind)
    {
        var net = ConstantKinds.Of(kind);
        var graph = net.Model.Graph;
        var weight = graph.Initializer.First(t => t.Name == "w");
        Half[] values = Array.ConvertAll(TensorData.ReadSingles("", weight), v => (Half)v);
        graph.Initializer.Remove(weight);
        graph.Initializer.Add(TensorData.Create(
            "half", DataType.Float16, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()), [.. weight.Dims]));
        graph.Node.Insert(0, Node("Cast", ["half"], "w", Attribute("to", (long)DataType.Float)));
        var found = LayerFinder.Find(net.BuildGraph());
        Assert.Contains(found.Layers, l => l.Parameters == values.Length);
        Assert.DoesNotContain(found.Kept, k => k.Bytes > 0);
    }

    /// <summary>The float weights of layers as a written model makes them, one after the other.</summary>
    private static IEnumerable<float> Weights(ModelProto written, IReadOnlyList<Candidate> candidates)
    {
        var part = GraphPart.Shell(written);
        var made = candidates.Select(c => c.Layer.Weight).ToArray();
        var walk = new GraphWalk([.. written.Graph.Node]);
        part.Graph.Node.Add(walk.Behind(made, new HashSet<string>()).Select(i => written.Graph.Node[i]));
        part.Graph.Initializer.Add(written.Graph.Initializer);
        part.Graph.Output.Add(made.Select(name => new ValueInfoProto { Name = name }));
        using var session = new GraphSession(part, "w.onnx");
        using var values = session.Run(_ => throw new InvalidOperationException("Constants have no inputs."));
        return [.. values.SelectMany(v => v.GetTensorDataAsSpan<float>().ToArray())];
    }
}
