using Clado.Activations;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Graphs;

/// <summary>Where the size of the image comes from, where the file leaves it free.</summary>
public class InputShapeTests
{
    [Fact]
    public void TheUsualSizeIsAssumedAndSaid()
    {
        var graph = Graph.FromModel(AnySize(), "m.onnx");
        Assert.Equal([1, 3, 224, 224], graph.InputShape.Dims);
        Assert.Equal("N,3,224,224", graph.InputShape.Setting);
        Assert.Contains("224×224 is assumed, the usual size", Assert.Single(graph.InputShape.Notes), StringComparison.Ordinal);
        // A file that fixes its size leaves nothing to say.
        var settled = NetworkBuilder.SmallClassifier().BuildGraph();
        Assert.Empty(settled.InputShape.Notes);
        Assert.Null(settled.InputShape.Setting);
    }

    [Theory]
    [InlineData("640", null, 640, 640)]
    [InlineData("48x64", null, 48, 64)]
    [InlineData("48×64", null, 48, 64)]
    [InlineData(null, "N,3,48,64", 48, 64)]
    [InlineData(null, "?,3,48,-1", 48, 224)]
    [InlineData(null, "batch, 3, 48, 64", 48, 64)]
    public void WhatIsGivenHolds(string? size, string? shape, int height, int width)
    {
        var graph = Graph.FromModel(AnySize(), "m.onnx", InputOptions.Parse(null, [], size, shape));
        Assert.Equal([1, 3, height, width], graph.InputShape.Dims);
        Assert.True(graph.HasFreeBatch);
        // Given back, it is the same.
        var again = Graph.FromModel(AnySize(), "m.onnx", InputOptions.Parse(null, [], shape: graph.InputShape.Setting));
        Assert.Equal(graph.InputShape.Dims, again.InputShape.Dims);
        Assert.Equal(graph.InputShape.Setting, again.InputShape.Setting);
        Assert.Empty(again.InputShape.Notes);
    }

    /// <summary>What is written of a shape is read as it was.</summary>
    [Fact]
    public void ShapesAreReadAsTheyAreWritten() =>
        Gen.Int[1, 5000].Array[1, 4].Select(Gen.Bool, (dims, free) => (long?[])[free ? null : 1, .. dims.Select(dim => (long?)dim)])
            .Sample(shape => Assert.Equal(shape, InputText.Shape(InputText.Of(shape))));

    [Theory]
    [InlineData("--size", "0", null)]
    [InlineData("--size", "wide", null)]
    [InlineData("--size", "3x", null)]
    [InlineData("--size", "1x2x3", null)]
    [InlineData("--size", "20000", null)]
    [InlineData("--input-shape", null, "")]
    [InlineData("--input-shape", null, "N,3,0,8")]
    [InlineData("--input-shape", null, "N,3,8.5,8")]
    [InlineData("leave one of them out", "8", "N,3,8,8")]
    public void WhatIsNoSizeIsRefused(string message, string? size, string? shape) =>
        Said(message, Assert.Throws<CladoException>(() => InputOptions.Parse(null, [], size, shape)));

    [Theory]
    [InlineData("--size 16x16 does not fit it", "16", null)]
    [InlineData("--input-shape N,3,8 does not fit it", null, "N,3,8")]
    [InlineData("--input-shape N,3,8,16 does not fit it", null, "N,3,8,16")]
    [InlineData("the batch comes first", null, "2,3,8,8")]
    public void WhatContradictsTheFileIsRefused(string message, string? size, string? shape) =>
        Said(message, Assert.Throws<OnnxFormatException>(() => Graph.FromModel(
            NetworkBuilder.SmallClassifier().Build(), "m.onnx", InputOptions.Parse(null, [], size, shape))));

    [Theory]
    [InlineData("imgsz", "[96, 64]", 96, 64)]
    [InlineData("input_size", "(3, 96, 64)", 96, 64)]
    [InlineData("image_size", "64", 64, 64)]
    [InlineData("Input_Shape", "1x3x96x64", 96, 64)]
    [InlineData("input_shape", "[1, 96, 64, 3]", 96, 64)]
    [InlineData("imgsz", "large", 224, 224)]
    [InlineData("imgsz", "[0, 64]", 224, 224)]
    [InlineData("stride", "64", 224, 224)]
    public void TheModelsMetadataMaySayIt(string key, string value, int height, int width)
    {
        var model = AnySize();
        model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        var graph = Graph.FromModel(model, "m.onnx");
        Assert.Equal([1, 3, height, width], graph.InputShape.Dims);
        Assert.Contains(height == 224 ? "the usual size" : $"the model's metadata '{key}' says", graph.InputShape.Notes[0],
            StringComparison.Ordinal);
        // A run that was measured when nobody looked was measured at the usual size.
        var before = Graph.FromModel(model, "m.onnx", new InputOptions { LooksForSize = false });
        Assert.Equal([1, 3, 224, 224], before.InputShape.Dims);
        // Who gives preprocessing knows better; what does not fit the network is not taken.
        var given = Preprocessing.FromJson("""{"size": [40, 56]}""", "p.json").Suggest(new());
        Assert.Equal([1, 3, 40, 56], Graph.FromModel(model, "m.onnx", given).InputShape.Dims);
        Assert.Equal([1, 3, 8, 8], Graph.FromModel(NetworkBuilder.SmallClassifier().Build(), "m.onnx", given).InputShape.Dims);
    }

    [Theory]
    [InlineData("""{"size": {"height": 96, "width": 64}}""", 96)]
    [InlineData("""{"size": {"shortest_edge": 256}, "crop_size": {"height": 96, "width": 64}}""", 96)]
    [InlineData("""{"size": {"height": 96, "width": 64}, "crop_size": {"height": 80, "width": 80}, "do_center_crop": false}""", 96)]
    [InlineData("""{"size": {"height": "tall", "width": 64}}""", 224)]
    [InlineData("""{"size": "large"}""", 224)]
    [InlineData("[1", 224)]
    [InlineData("[1]", 224)]
    public void ThePreprocessorBesideTheModelMaySayIt(string json, int height)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(AnySize(), Directory.CreateDirectory(folder["onnx"]).FullName + "/m.onnx");
        File.WriteAllText(folder["preprocessor_config.json"], json);
        var graph = Graph.Read(folder["onnx/m.onnx"]);
        Assert.Equal([1, 3, height, height == 96 ? 64 : 224], graph.InputShape.Dims);
        Assert.Equal(height == 96, graph.InputShape.Notes[0].Contains("preprocessor_config.json says", StringComparison.Ordinal));
    }

    /// <summary>A fully connected layer behind a flattening fits one size only.</summary>
    [Theory]
    [InlineData(32, 32, false)]
    [InlineData(240, 320, false)]
    [InlineData(32, 32, true)]
    [InlineData(64, 64, true)]
    public void WhatTheGraphForcesIsFound(int height, int width, bool rows)
    {
        var graph = Graph.FromModel(Forced(height, width, rows), "m.onnx");
        Assert.Equal([1, 3, height, width], graph.InputShape.Dims);
        Assert.Equal([1, 5], graph.Tensors["y"].Shape);
        Assert.Contains("the first usual size at which the network runs", graph.InputShape.Notes[0], StringComparison.Ordinal);
        // What the file says of itself and the network does not keep is passed over.
        var model = Forced(height, width, rows: false);
        model.MetadataProps.Add(new StringStringEntryProto { Key = "imgsz", Value = "100" });
        Assert.Equal([1, 3, height, width], Graph.FromModel(model, "m.onnx").InputShape.Dims);
    }

    [Fact]
    public void WhereNoSizeFitsThatIsSaid()
    {
        Said("give the right one with --size", Assert.Throws<OnnxFormatException>(
            () => Graph.FromModel(Forced(52, 72, rows: false), "m.onnx")));
        Said("does not run at [1, 3, 16, 16]; give another with --size", Assert.Throws<OnnxFormatException>(
            () => Graph.FromModel(Forced(52, 72, rows: false), "m.onnx", InputOptions.Parse(null, [], "16"))));
        Assert.Equal([1, 3, 52, 72], Graph.FromModel(
            Forced(52, 72, rows: false), "m.onnx", InputOptions.Parse(null, [], "52x72")).InputShape.Dims);
    }

    /// <summary>A network that never ends does so at every size: it is not tried at the next.</summary>
    [Fact]
    public void WhatDoesNotEndIsTriedOnce()
    {
        using var limit = RunLimit.Enter(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        var error = Assert.Throws<OnnxFormatException>(() => Graph.FromModel(Freed(NetworkBuilder.EndlessClassifier(), 2, 3), "m.onnx"));
        Said("was still running", error);
        Assert.DoesNotContain("does not run at", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(1, 3, false)]
    [InlineData(2, 6, false)]
    [InlineData(1, 3, true)]
    [InlineData(1, 1, true)]
    public void ChannelsAreThoseTheFirstConvolutionReads(int groups, int channels, bool last)
    {
        var net = new NetworkBuilder(input: last ? [8, 8, channels] : [channels, 8, 8]);
        net.Weight("w", 6, channels / groups, 3, 3);
        net.Model.Graph.Initializer.Add(TensorData.Singles("half", [0.5f]));
        net.Then("Sub", "s", ["half"]);
        if (last)
        {
            net.Then("Transpose", "t", null, Attribute("perm", 0, 3, 1, 2));
        }
        net.Then("Conv", "c", ["w"], Attribute("group", groups)).Then("GlobalAveragePool", "p").Then("Flatten", "y");
        foreach (var (axis, size) in ((int[], long[])[])
            [([last ? 3 : 1], [8, 8]), ([1, 2, 3], [224, 224])])
        {
            var graph = Graph.FromModel(Freed(net.Build("y"), axis), "m.onnx");
            Assert.Equal(last ? [1, .. size, channels] : [1, channels, .. size], graph.InputShape.Dims);
            Assert.Contains($"{channels} channels, as 'conv_c' reads", graph.InputShape.Notes[0], StringComparison.Ordinal);
            net.Model.Graph.Output.Clear();
        }
        // The rank, too.
        var unknown = net.Build("y");
        unknown.Graph.Input[0].Type.TensorType.Shape = null;
        var found = Graph.FromModel(unknown, "m.onnx");
        Assert.Equal(last ? [1, 224, 224, channels] : [1, channels, 224, 224], found.InputShape.Dims);
        // And in what is written of it, where weights and activations are packed and rounded.
        foreach (int bits in (int[])[2, 3, 8])
        {
            var plan = ActivationPlan.Of(found, LayerFinder.Find(found).Layers);
            var ranges = new ActivationRanges([.. plan.Ranges.Select(_ => 0.05f)], [.. plan.Ranges.Select(_ => (byte)128)]);
            var written = ModelWriter.Build(found, Harness.Candidates(found, bits).Items, new QuantizedActivations(plan, ranges));
            Assert.Null(written.Graph.Input[0].Type.TensorType.Shape);
            Assert.Equal(found.InputShape.Dims, Graph.FromModel(written, "m.onnx").InputShape.Dims);
        }
    }

    [Fact]
    public void WhereNoConvolutionReadsTheImageItIsSaid()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 192, 5);
        var model = net.Then("Flatten", "f").Then("MatMul", "y", ["w"]).Build();
        var channels = Graph.FromModel(Freed(model.Clone(), 1), "m.onnx");
        Assert.Equal([1, 3, 8, 8], channels.InputShape.Dims);
        Assert.Contains("3 channels are assumed; InputOptions.Shape gives others", channels.InputShape.Notes[0], StringComparison.Ordinal);
        model.Graph.Input[0].Type.TensorType.Shape = null;
        Said("has no shape, and no convolution says which; give it with --input-shape", Assert.Throws<OnnxFormatException>(
            () => Graph.FromModel(model, "m.onnx")));
        var given = Graph.FromModel(model, "m.onnx", InputOptions.Parse(null, [], shape: "N,3,8,8"));
        Assert.Equal([1, 3, 8, 8], given.InputShape.Dims);
        Assert.True(given.HasFreeBatch);
    }

    [Fact]
    public void AnImageWithoutABatchIsRefusedForWhatItIs()
    {
        var model = NetworkBuilder.SmallClassifier().Build();
        model.Graph.Input[0].Type.TensorType.Shape.Dim.RemoveAt(0);
        Said("which has no dimension for the batch", Assert.Throws<OnnxFormatException>(() => Graph.FromModel(model, "m.onnx")));
    }

    /// <summary>A classifier of a free size.</summary>
    internal static ModelProto AnySize(int classes = 8) => Freed(NetworkBuilder.SmallClassifier(classes: classes).Build(), 2, 3);

    /// <summary>The model with dimensions of its input free.</summary>
    internal static ModelProto Freed(ModelProto model, params int[] axes)
    {
        foreach (int axis in axes)
        {
            model.Graph.Input[0].Type.TensorType.Shape.Dim[axis] = new() { DimParam = $"d{axis}" };
        }
        return model;
    }

    private static ModelProto Forced(int height, int width, bool rows)
    {
        var net = new NetworkBuilder(input: [3, height, width]);
        net.Weight("w1", 4, 3, 1, 1);
        net.Weight("w2", 4 * height / 4 * width / 4, 5);
        net.Model.Graph.Initializer.Add(TensorData.Integers("rows", [-1, height * width / 4], 2));
        net.Then("Conv", "c", ["w1"], Attribute("strides", 4, 4));
        return Freed((rows ? net.Then("Reshape", "f", ["rows"]) : net.Then("Flatten", "f")).Then("Gemm", "y", ["w2"]).Build(), 2, 3);
    }

    /// <summary>In the words of the command line.</summary>
    private static void Said(string message, CladoException error) =>
        Assert.Contains(message, Clado.Cli.Output.Words.Of(error.Message), StringComparison.Ordinal);
}
