using Clado.Activations;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Packing;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Sensitivity;
using Clado.Tests.Support;
using CsCheck;
using Google.Protobuf;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Graphs;

/// <summary>Networks whose loops and branches read tensors and weights around them.</summary>
public class BodyTests
{
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    /// <summary>
    /// Every pair of layers, and so every layer alone: suffixes of the network against the whole network run with the weights replaced.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SuffixesOfNetworksWithBodiesLoseWhatTheWholeNetworkDoes(bool sequences)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        Gen.Int[0, 1 << 20].Sample(seed =>
        {
            var graph = Graph.FromModel(RandomBodies.Build(seed, sequences), "test.onnx");
            var candidates = Harness.Candidates(graph, 2);
            var naive = NaiveSensitivity.Measure(graph, candidates, images, Unit, "kl", []);
            double rounding = 1e-5 * Math.Max(1e-3, naive.Max(Math.Abs));
            Assert.All(Measure(graph, candidates, images, "pairwise").Raw.Zip(naive),
                pair => Assert.Equal(pair.Second, pair.First, rounding));
        }, iter: 20, threads: 1);
    }

    /// <summary>Files of an exporter's making.</summary>
    [Theory]
    [InlineData("if_plain", 0)]
    [InlineData("if_noafter", 0)]
    [InlineData("if_weights", 2)]
    [InlineData("loop", 1)]
    public void RealFilesWithBodiesLoseWhatTheWholeNetworkDoes(string name, int kept)
    {
        using var folder = new TemporaryFolder();
        var graph = Graph.Read(SharedFiles.Require($"cases/{name}.onnx"));
        Assert.Equal(kept, LayerFinder.Find(graph).Kept.Count);
        // Their batch is fixed.
        AssertSingleLosses(graph, ImageFolder.Open(Harness.Images(folder, "set", 1)).Limit(1, 0));
    }

    [Fact]
    public void WrittenNetworksWithBodiesComputeWhatTheirDequantizedWeightsDo() => Gen.Int[0, 1 << 20].Sample(seed =>
    {
        var graph = Graph.FromModel(RandomBodies.Build(seed), "test.onnx");
        var chosen = Harness.Candidates(graph, 3).Items;
        var written = OnnxFile.Parse("m.onnx", ModelWriter.Build(graph, chosen).ToByteArray());
        Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, chosen)), Harness.Outputs(written));
    }, iter: 30, threads: 1);

    [Fact]
    public void NetworksWithBodiesAreRoundedToIntegersAsTheyAreSimulated() => Gen.Int[0, 1 << 20].Sample(seed =>
    {
        var graph = Graph.FromModel(RandomBodies.Build(seed), "test.onnx");
        var chosen = Harness.Candidates(graph, 8).Items;
        var layers = LayerFinder.Find(graph).Layers;
        var plan = ActivationPlan.Of(graph, layers);
        var activations = new QuantizedActivations(
            plan, new ActivationRanges([.. plan.Ranges.Select(_ => 0.05f)], [.. plan.Ranges.Select(_ => (byte)128)]));
        var written = ModelWriter.Build(graph, chosen, activations);
        Assert.Equal(written.CalculateSize(),
            new FileSize(graph, layers, ActivationFormat.Int8).Predict(chosen.Sum(c => c.SizeBytes), [8]));
        float[] expected = Harness.Outputs(SimulatedModel.Build(graph, chosen, activations));
        foreach (bool integers in (bool[])[false, true])
        {
            // A value between two codes may fall to either side, and what follows with it.
            Assert.InRange(Harness.Outputs(written, integers: integers).Zip(expected, (a, b) => Math.Abs(a - b)).Average(),
                0, 0.01 * (1 + expected.Max(Math.Abs)));
        }
    }, iter: 30, threads: 1);

    /// <summary>
    /// A body and its own branch of the network read a layer, or the body alone: it must
    /// not see the float network's layer while others see another.
    /// </summary>
    [Theory]
    [InlineData("If", false)]
    [InlineData("If", true)]
    [InlineData("Loop", false)]
    [InlineData("Loop", true)]
    public void ALayerThatABodyReadsLosesWhatTheWholeNetworkDoes(string op, bool others)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 4, 3, 3, 3);
        net.Weight("v", 4, 4, 3, 3);
        net.Weight("h", 4, 8);
        net.Then("Conv", "c", ["w"], Attribute("pads", 1, 1, 1, 1));
        AddBody(net, op, [Node("Relu", ["c"], "inner")], "inner", "b");
        if (others)
        {
            net.Add("Sigmoid", ["c"], "e").Add("Add", ["b", "e"], "s");
        }
        var graph = net.Then("Conv", "d", ["v"]).Then("GlobalAveragePool", "p")
            .Then("Flatten", "f").Then("MatMul", "logits", ["h"]).BuildGraph();
        Assert.Equal(["w", "v", "h"], LayerFinder.Find(graph).Layers.Select(l => l.Weight));
        AssertSingleLosses(graph, images);
        // What a branch reads does not live on behind it.
        Assert.Equal(3, Blocks.Of(graph, LayerFinder.Find(graph).Layers).Distinct().Count());
    }

    /// <summary>
    /// A sequence that does not change is made again by a body that reads another layer: as that layer is, not as it was.
    /// </summary>
    [Fact]
    public void ASequenceThatIsMadeAgainIsThatOfTheReplacedLayers()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 3, 4);
        net.Weight("v", 3, 4);
        var map = new GraphProto { Name = "map" };
        map.Input.Add(FloatValue("el"));
        map.Node.Add(Node("MatMul", ["el", "w"], "product"));
        map.Output.Add(FloatValue("product"));
        net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Add("MatMul", ["f", "w"], "a")
            .Add("MatMul", ["f", "v"], "b").Add("SequenceConstruct", ["f"], "s");
        net.Add("SequenceMap", ["s"], "mapped", Body("body", map)).Then("SequenceInsert", "longer", ["b"])
            .Then("ConcatFromSequence", "joined", null, Attribute("axis", 1));
        var graph = net.Then("Concat", "y", ["a"], Attribute("axis", 1)).BuildGraph();
        Assert.Equal(["w", "v"], LayerFinder.Find(graph).Layers.Select(l => l.Weight));
        var candidates = Harness.Candidates(graph, 2);
        var naive = NaiveSensitivity.Measure(graph, candidates, images, Unit, "kl", []);
        double rounding = 1e-5 * naive.Max(Math.Abs);
        Assert.All(Measure(graph, candidates, images, "pairwise").Raw.Zip(naive), pair => Assert.Equal(pair.Second, pair.First, rounding));
    }

    /// <summary>
    /// A loop gives a tensor, which is carried on, and a sequence, for which it runs again: the tensor is given and made.
    /// </summary>
    [Fact]
    public void ANodeThatRunsAgainForItsSequenceMayGiveWhatIsThereAlready()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 3, 3);
        net.Weight("v", 6, 4);
        net.Model.Graph.Initializer.Add(TensorData.Integers("twice", [2]));
        var sequence = new TypeProto { SequenceType = new() { ElemType = FloatValue("").Type } };
        var body = new GraphProto { Name = "loop" };
        body.Input.Add([
            new ValueInfoProto { Name = "i",
                Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Int64, Shape = new() } } },
            new ValueInfoProto { Name = "c", Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Bool, Shape = new() } } },
            FloatValue("state"), new ValueInfoProto { Name = "items", Type = sequence }]);
        body.Node.Add([Node("Identity", ["c"], "on"), Node("Sigmoid", ["state"], "next"),
            Node("SequenceInsert", ["items", "state"], "more")]);
        body.Output.Add([
            new ValueInfoProto { Name = "on", Type = body.Input[1].Type },
            FloatValue("next"),
            new ValueInfoProto { Name = "more", Type = sequence }]);
        net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("SequenceConstruct", "s");
        net.Add("Loop", ["twice", "", "f", "s"], "X", Body("body", body));
        net.Model.Graph.Node[^1].Output.Add("S");
        net.Add("MatMul", ["X", "w"], "a").Add("SequenceInsert", ["S", "a"], "longer")
            .Then("ConcatFromSequence", "y0", null, Attribute("axis", 0));
        net.Model.Graph.Initializer[1] = TensorData.Singles("v", new float[12], 3, 4);
        var graph = net.Then("MatMul", "y", ["v"]).BuildGraph();
        var batches = new ImageBatches(ImageFolder.Open(Harness.Images(folder, "set", 1)), graph, Unit, 1);
        var none = new HashSet<string>();
        NetworkGoal[] goals = [new(new HashSet<string> { "X" }, none), new(new HashSet<string> { "y0" }, none)];
        float[][] Results(bool isCarried)
        {
            using var network = new CarriedNetwork(graph, batches, NetworkPart.Plan(graph, goals, isCarried));
            return [.. goals.SelectMany(goal => goal.Wanted).Select(name =>
            {
                network.Advance();
                using var values = network.Run(0);
                return values[name].GetTensorDataAsSpan<float>().ToArray();
            })];
        }
        Assert.Equal(Results(false), Results(true));
    }

    /// <summary>A sparse constant of a body is the body's own; one of the whole graph is refused by its name.</summary>
    [Fact]
    public void SparseInitializersBelongToTheirBodies()
    {
        ModelProto Model()
        {
            var net = new NetworkBuilder(input: [3, 8, 8]);
            AddBody(net, "If", [Node("Mul", ["x", "few"], "inner")], "inner", "y");
            return net.Build();
        }
        var values = TensorData.Singles("few", [2, 3], 2);
        var few = new SparseTensorProto { Values = values, Indices = TensorData.Integers("few_at", [1, 6], 2), Dims = { 8 } };

        var model = Model();
        Assert.All(GraphWalk.Bodies(model.Graph.Node[^1]), body => body.SparseInitializer.Add(few));
        Assert.DoesNotContain("few", GraphWalk.Reads(model.Graph.Node[^1]));
        Assert.Contains("few", GraphWalk.Names(model.Graph));
        var dense = Model();
        dense.Graph.Initializer.Add(TensorData.Singles("few", [0, 2, 0, 0, 0, 0, 3, 0], 8));
        Assert.Equal(Harness.Outputs(dense), Harness.Outputs(Graph.FromModel(model, "m.onnx").Model));

        var whole = Model();
        whole.Graph.SparseInitializer.Add(few);
        var error = Assert.Throws<OnnxFormatException>(() => Graph.FromModel(whole, "m.onnx"));
        Assert.Contains("few", error.Message);
        Assert.Contains("sparse", error.Message);
    }

    /// <summary>
    /// An alias that a body reads is read as the constant; where the body has a tensor of that name, it is a constant of its own.
    /// </summary>
    [Theory]
    [InlineData("inner", "k")]
    [InlineData("k", "alias")]
    public void AnIdentityOfAConstantThatABodyReadsGoesWhereNothingHidesTheConstant(string inner, string constant)
    {
        ModelProto Model(string name)
        {
            var net = new NetworkBuilder(input: [3, 8, 8]);
            net.Weight("k", 3, 1, 1);
            net.Add("Identity", ["k"], "alias");
            AddBody(net, "If", [Node("Mul", ["x", "alias"], name), Node("Add", [name, "alias"], "sum")], "sum", "y");
            return net.Build();
        }

        var graph = Graph.FromModel(Model(inner), "m.onnx");
        Assert.Equal("If", Assert.Single(graph.Nodes).OpType);
        Assert.Equal([constant, "yes"], graph.Initializers.Keys.Order());
        Assert.Equal(Harness.Outputs(Model("inner")), Harness.Outputs(graph.Model));
    }

    /// <summary>A bias becomes integers for its layer; the floats stay for the body that reads them too.</summary>
    [Fact]
    public void ABiasThatABodyReadsStays()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 4, 3, 3, 3);
        net.Weight("b", 4);
        net.Then("Conv", "c", ["w", "b"]);
        AddBody(net, "If", [Node("ReduceMax", ["b"], "largest", Attribute("keepdims", 0)), Node("Add", ["c", "largest"], "sum")],
            "sum", "y");
        var graph = net.BuildGraph();
        var chosen = Harness.Candidates(graph, 8).Items;
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        Assert.Equal("b", Assert.Single(plan.Nodes).Bias);
        var activations = new QuantizedActivations(
            plan, new ActivationRanges([.. plan.Ranges.Select(_ => 0.05f)], [.. plan.Ranges.Select(_ => (byte)128)]));
        Assert.Equal(Harness.Outputs(SimulatedModel.Build(graph, chosen, activations)),
            Harness.Outputs(ModelWriter.Build(graph, chosen, activations)));
    }

    /// <summary>A branch that reads the weights of two layers is none of the nodes that compute in integers.</summary>
    [Fact]
    public void ABranchThatReadsTwoWeightsIsFloat()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 3, 3, 1, 1);
        net.Weight("v", 3, 3, 1, 1);
        AddBody(net, "If", [Node("Add", ["w", "v"], "both"), Node("Conv", ["x", "both"], "inner")], "inner", "b");
        var graph = net.Then("Conv", "c", ["w"]).Then("Conv", "y", ["v"]).BuildGraph();
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        Assert.Equal([1, 2], plan.Nodes.Select(n => n.Node));
        Assert.Equal("If", Assert.Single(plan.Kept).Op);
    }

    /// <summary>
    /// Layers inside bodies are kept, however deep, wherever their weights are; unless
    /// the weight is one that is quantized for a layer outside.
    /// </summary>
    [Fact]
    public void WhatBodiesHoldIsListed()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 3, 3, 1, 1);
        net.Weight("outside", 3, 3, 1, 1);
        var deepest = new GraphProto { Name = "deepest" };
        deepest.Initializer.Add(TensorData.Singles("inside", [.. Enumerable.Repeat(0.5f, 9)], 3, 3, 1, 1));
        deepest.Node.Add([Named("Conv", ["x", "inside"], "e"), Named("Conv", ["e", "w"], "f")]);
        deepest.Output.Add(Value("f", DataType.Float));
        AddBody(net, "Loop", [Named("Conv", ["x", "outside"], "d"),
            Node("If", ["yes"], "i", Body("then_branch", deepest), Body("else_branch", deepest.Clone()))], "i", "b");
        var found = LayerFinder.Find(net.Then("Conv", "y", ["w"]).BuildGraph());
        Assert.Equal("w", Assert.Single(found.Layers).Weight);
        Assert.Equal(["conv_d", "conv_e", "conv_e"], found.Kept.Select(k => k.Name));
        Assert.Equal("in the body of Loop 'loop_b', and bodies are kept as they are", found.Kept[0].Reason);
        Assert.Equal("in the body of If 'If → i', and bodies are kept as they are", found.Kept[1].Reason);
    }

    /// <summary>ONNX Runtime refuses a name that is made in a body and outside.</summary>
    [Fact]
    public void NewNamesAreNotThoseOfTensorsInBodies()
    {
        var net = new NetworkBuilder(opset: 11, input: [3, 8, 8]);
        net.Weight("w", 3, 3, 1, 1);
        AddBody(net, "If", [Node("Relu", ["x"], "s0"), Node("Relu", ["s0"], "y_axes")], "y_axes", "b");
        var model = net.Then("Conv", "c", ["w"]).Then("ReduceMean", "y", [], Attribute("axes", 2, 3)).Build();
        model.IrVersion = 6;
        var graph = Graph.FromModel(OpsetUpgrade.Apply(model, "m.onnx"), "m.onnx");
        Assert.Equal(Harness.Outputs(model), Harness.Outputs(graph.Model));
        var chosen = Harness.Candidates(graph, 4).Items;
        Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, chosen)), Harness.Outputs(ModelWriter.Build(graph, chosen)));
    }

    /// <summary>Weights of bodies may lie in files beside the model, and bodies may round activations.</summary>
    [Fact]
    public void ReadingAModelLooksIntoBodies()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(input: [3]);
        net.Model.Graph.Initializer.Add([TensorData.Create("yes", DataType.Bool, [1]), TensorData.Singles("step", [0.5f])]);
        var branch = new GraphProto { Name = "branch" };
        var tensor = TensorData.Singles("inside", [1, 2, 3], 3);
        File.WriteAllBytes(folder["m.data"], tensor.RawData.ToByteArray());
        tensor.ClearRawData();
        tensor.DataLocation = DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "m.data" });
        branch.Initializer.Add(tensor);
        branch.Node.Add([Node("Add", ["x", "inside"], "sum"), Node("QuantizeLinear", ["sum", "step"], "q"),
            Node("DequantizeLinear", ["q", "step"], "inner")]);
        branch.Output.Add(Value("inner", DataType.Float));
        net.Add("If", ["yes"], "y", Body("then_branch", branch), Body("else_branch", branch.Clone()));
        File.WriteAllBytes(folder["m.onnx"], net.Build().ToByteArray());
        var read = OnnxFile.Read(folder["m.onnx"]);
        Assert.Equal([1f, 2, 3], TensorData.ReadSingles("m.onnx", GraphWalk.Bodies(read.Graph.Node[0]).First().Initializer[0]));
        Assert.True(read.RoundsActivations());
        Assert.Equal(6, Harness.Outputs(Graph.Read(folder["m.onnx"]).Model).Length);
        File.Delete(folder["m.data"]);
        Assert.Equal("inside", Assert.Throws<OnnxFormatException>(() => OnnxFile.Read(folder["m.onnx"])).Tensor);
    }

    private static void AssertSingleLosses(Graph graph, ImageSet images)
    {
        var candidates = Harness.Candidates(graph, 2);
        int n = candidates.Items.Count;
        var measured = Measure(graph, candidates, images, "diagonal").Raw;
        for (int row = 0; row < n; row++)
        {
            Assert.Equal(NaiveSensitivity.Increase(graph, [candidates.Items[row]], images, Unit, "kl"), measured[row * (n + 1)] / 2, 1e-6);
        }
    }

    private static SensitivityMatrix Measure(Graph graph, CandidateSet candidates, ImageSet images, string estimator)
    {
        using var records = new RecordStore();
        return SensitivityMeasurement.Measure(
            new(graph, candidates, new Workload(images, Unit) { Resources = new() { Threads = 1 } }), [],
            new() { Estimator = estimator, Loss = "kl" }, records);
    }

    private static ValueInfoProto FloatValue(string name) =>
        new() { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float } } };

    /// <summary>Adds an If of two equal branches, or a Loop that runs once and gives its only state back.</summary>
    private static void AddBody(NetworkBuilder net, string op, NodeProto[] nodes, string result, string output)
    {
        net.Model.Graph.Initializer.Add([TensorData.Create("yes", DataType.Bool, [1]), TensorData.Integers("once", [1])]);
        var body = new GraphProto { Name = op };
        body.Node.Add(nodes);
        if (op == "If")
        {
            body.Output.Add(Value(result, DataType.Float));
            net.Add("If", ["yes"], output, Body("then_branch", body), Body("else_branch", body.Clone()));
            return;
        }
        body.Input.Add([Value("turn", DataType.Int64), Value("goes", DataType.Bool), Value("state", DataType.Float)]);
        body.Node.Add(Node("Identity", ["goes"], "on"));
        body.Output.Add([Value("on", DataType.Bool), Value(result, DataType.Float)]);
        net.Add("Loop", ["once", "", "x"], output, Body("body", body));
    }

    private static NodeProto Named(string op, string[] inputs, string output)
    {
        var node = Node(op, inputs, output);
        node.Name = $"{op.ToLowerInvariant()}_{output}";
        return node;
    }

    private static AttributeProto Body(string name, GraphProto body) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = body };

    private static ValueInfoProto Value(string name, DataType type)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)type };
        if (type != DataType.Float)
        {
            tensor.Shape = new TensorShapeProto();
        }
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }
}
