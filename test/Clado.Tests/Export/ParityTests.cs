using System.Text.Json;
using Clado.Activations;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Losses;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Export;

/// <summary>A file that computes something else than its bits say is not handed over; a sound one is.</summary>
public class ParityTests
{
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    public void SoundFilesAreExplained(int bits)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        var other = NetworkBuilder.SmallClassifier(seed: 9, classes: 7, side: 12).BuildGraph();
        foreach (var later in (Graph[])[NetworkBuilder.SmallClassifier().BuildGraph(), other])
        {
            foreach (var graph in (Graph[])[later, Harness.Earlier(later)])
            {
                foreach (bool integers in (bool[])[true, false])
                {
                    var written = new Written(graph, images, bits, integers);
                    Assert.All(written.Check(written.Model).Outputs, o => Assert.True(o.IsExplained, $"{o}"));
                }
            }
        }
    }

    [Theory]
    [InlineData("a channel's scale doubled", true)]
    [InlineData("a channel's scale doubled", false)]
    [InlineData("a layer's scales in reverse order (a wrong axis)", true)]
    [InlineData("a layer's scales in reverse order (a wrong axis)", false)]
    [InlineData("one code's sign changed", false)]
    [InlineData("a layer's scales 1 % larger", false)]
    public void WrongWeightsAreRefused(string wrong, bool integers)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        var written = new Written(NetworkBuilder.SmallClassifier().BuildGraph(), images, 8, integers);
        foreach (var layer in written.Chosen.Select(c => c.Layer))
        {
            AssertRefused(written, wrong, layer.Index);
        }
    }

    [Fact]
    public void WrongGridsAndBiasesAreRefused()
    {
        using var folder = new TemporaryFolder();
        var net = NetworkBuilder.SmallClassifier();
        net.Weight("b2", 8);
        net.Model.Graph.Node.First(n => n.Output[0] == "c2").Input.Add("b2");
        var written = new Written(net.BuildGraph(), ImageFolder.Open(Harness.Images(folder, "images", 3)), 8, true);
        foreach (var node in written.Activations!.Plan.Nodes.Where(n => n.Bias is not null))
        {
            AssertRefused(written, "the largest bias of a node with its sign changed", node.Node);
        }
        for (int range = 0; range < written.Activations.Plan.Ranges.Count; range++)
        {
            AssertRefused(written, "the scale of an activation halved", range);
        }
    }

    /// <summary>
    /// One set of scales for uses on two axes is what wrote wrong files once. The run does not hand such a file over, and keeps what lay
    /// there.
    /// </summary>
    [Fact]
    public void WhatIsRefusedIsNotWritten()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("c", 16, 3, 3, 3);
        net.Weight("w", 16, 16);
        var rows = TensorData.ReadSingles("", net.Model.Graph.Initializer[1]).Select((v, i) => v * (1 + (i / 16)));
        TensorData.Overwrite(net.Model.Graph.Initializer[1], [.. rows]);
        net.Then("Conv", "a", ["c"]).Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "y", ["w"], Attribute("transB", 1));
        OnnxFile.Write(net.Build(), folder["m.onnx"]);
        var run = Pipeline.Measure(
            new PipelineOptions
            {
                Model = folder["m.onnx"],
                Images = Harness.Images(folder, "images", 2),
                Preprocessing = Unit,
                Bits = [4, 8],
                Estimator = "diagonal",
                Run = folder["run"],
            },
            cancellation: TestContext.Current.CancellationToken);
        var chosen = run.Rows.Uniform(8);
        // The axis takes room in the file, as the first does not.
        Candidate[] wrong =
        [
            chosen[0],
            chosen[1] with
            {
                Layer = chosen[1].Layer with { ChannelAxis = 1 },
                SizeBytes = chosen[1].SizeBytes + UnpackingFunctions.AxisSize(1),
            },
        ];
        Directory.CreateDirectory(folder["out"]);
        File.WriteAllText(folder["out/q.onnx"], "what lay there");

        var error = Assert.Throws<CladoException>(() => run.Deploy(
            run.Uniform(8) with { Chosen = wrong }, folder["out/q.onnx"], cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("output 'y' differs", error.Message, StringComparison.Ordinal);
        Assert.Contains("rounding explains", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal("what lay there", File.ReadAllText(folder["out/q.onnx"]));
        Assert.Single(Directory.EnumerateFileSystemEntries(folder["out"]));

        var written = run.Deploy(run.Uniform(8), folder["out/q.onnx"], cancellation: TestContext.Current.CancellationToken).Commit();
        Assert.Equal(new FileInfo(folder["out/q.onnx"]).Length, written.SizeBytes);
        Assert.True(written.Parity.OnImages);
        Assert.Single(Directory.EnumerateFileSystemEntries(folder["out"]));
    }

    /// <summary>Whatever way a path takes to the float model or to its weights, they are not written over.</summary>
    [Fact]
    public void TheFloatModelIsNotReplaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links want rights there");
        using var folder = new TemporaryFolder();
        var model = NetworkBuilder.SmallClassifier().Build();
        OnnxFile.Write(model, folder["m.onnx"], maximumSizeBytes: 2000);
        var data = Path.GetFileName(Assert.Single(Directory.GetFiles(folder.Path, "*.data")));
        var run = Pipeline.Measure(
            new PipelineOptions
            {
                Model = folder["m.onnx"],
                Images = Harness.Images(folder, "images", 2),
                Preprocessing = Unit,
                Bits = [8],
                Estimator = "diagonal",
                Run = folder["run"],
            },
            cancellation: TestContext.Current.CancellationToken);
        Directory.CreateSymbolicLink(folder["twin"], folder.Path);
        foreach (var path in (string[])[folder["m.onnx"], folder["twin/m.onnx"], folder[data], folder[$"twin/{data}"]])
        {
            var error = Assert.Throws<CladoException>(
                () => run.Deploy(run.Uniform(8), path, cancellation: TestContext.Current.CancellationToken));
            Assert.Contains("which would be lost", error.Message, StringComparison.Ordinal);
            Assert.Equal(model, OnnxFile.Read(folder["m.onnx"]));
        }
        Directory.Delete(folder["twin"]);
    }

    /// <summary>Where the images are gone, what needs none otherwise is compared on random inputs, and says so.</summary>
    [Fact]
    public void ExportsAreComparedWithoutImages()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier().Build(), folder["m.onnx"]);
        var images = Harness.Images(folder, "images", 2);
        string[] measure = ["measure", folder["m.onnx"], "--images", images, "--preprocess", "unit", "--run", folder["run"]];
        Assert.Equal(0, Harness.Command([.. measure, "--estimator", "diagonal", "--bits", "3,8"]).Code);
        string[] export = ["export", "--run", folder["run"], "--budget", "5bit", "-o", folder["q.onnx"], "--json", "--activations"];
        AssertParity(Harness.Command([.. export, "8"]), onImages: true);
        AssertParity(Harness.Command([.. export, "float"]), onImages: true);
        Directory.Delete(images, recursive: true);
        var compared = Harness.Command([.. export, "float"]);
        AssertParity(compared, onImages: false);
        Assert.Contains("random inputs", compared.Error, StringComparison.Ordinal);
        Assert.Equal(2, Harness.Command([.. export, "8"]).Code);
    }

    [Fact]
    public void TolerancesDoNotDependOnThreads()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 9));
        var written = new Written(NetworkBuilder.SmallClassifier().BuildGraph(), images, 4, true);
        Assert.Equal(Parts(1), Parts(3));

        IEnumerable<PartParity> Parts(int threads) => written.Check(written.Model, threads).Outputs.SelectMany(o => o.Parts);
    }

    /// <summary>An output that is no number is refused, whatever is allowed.</summary>
    [Fact]
    public void OutputsThatAreNoNumbersAreRefused()
    {
        Assert.False(new PartParity(0, 1, double.NaN, 1, double.NaN, 1).IsExplained);
        Assert.False(new PartParity(0, 1, double.PositiveInfinity, 1, double.PositiveInfinity, 1).IsExplained);
        Assert.False(new PartParity(0, 1, 0, double.NaN, 0, double.NaN).IsExplained);
    }

    /// <summary>Also where the simulation is none either: a logarithm of what rounding makes negative or zero.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NetworksThatGiveNoNumbersAreRefused(bool integers)
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().Add("Neg", ["p"], "n").Then("Log", "l").Then("Flatten", "y").BuildGraph();
        var written = new Written(graph, ImageFolder.Open(Harness.Images(folder, "images", 1)), 4, integers);
        var error = Assert.Throws<CladoException>(() => written.Check(written.Model).ThrowIfBroken("m.onnx"));
        Assert.Contains("output 'y'", error.Message, StringComparison.Ordinal);
        Assert.Contains("is NaN in", error.Message, StringComparison.Ordinal);
    }

    private static void AssertParity((int Code, string Output, string Error) command, bool onImages)
    {
        Assert.Equal("", command.Code == 0 ? "" : command.Error);
        using var json = JsonDocument.Parse(command.Output);
        var parity = json.RootElement.GetProperty("parity");
        Assert.Equal(onImages, parity.GetProperty("onImages").GetBoolean());
        var output = Assert.Single(parity.GetProperty("outputs").EnumerateArray().ToArray());
        Assert.Equal("logits", output.GetProperty("name").GetString());
        Assert.InRange(output.GetProperty("largest").GetDouble(), 0, output.GetProperty("allowedLargest").GetDouble());
        Assert.InRange(output.GetProperty("rootMeanSquare").GetDouble(), 0, output.GetProperty("allowedRootMeanSquare").GetDouble());
    }

    private static void AssertRefused(Written written, string wrong, int index)
    {
        var parity = written.Check(Corruption.Of(written.Model, wrong, index)!);
        Assert.False(parity.Outputs.All(o => o.IsExplained), $"{index}: {parity.Outputs[0]}");
        Assert.Throws<CladoException>(() => parity.ThrowIfBroken("m.onnx"));
    }

    /// <summary>A network at one width, as it would be written.</summary>
    private sealed class Written
    {
        private readonly Graph graph;
        private readonly ImageSet images;
        private readonly IReadOnlyList<OutputScale>? scales;

        public Written(Graph graph, ImageSet images, int bits, bool integers)
        {
            (this.graph, this.images) = (graph, images);
            scales = Readout.Of(graph).IsClassifier ? null : Harness.Scales(graph, images);
            var candidates = Harness.Candidates(graph, bits);
            Chosen = candidates.Items;
            var plan = ActivationPlan.Of(graph, candidates.Layers);
            Activations = !integers ? null : new QuantizedActivations(
                plan, RangeMeasurement.Measure(FakeQuantizedGraph.Of(graph, Chosen), plan, RangeMethod.LeastSquares, Work(2)));
            Model = ModelWriter.Build(graph, Chosen, Activations);
        }

        public IReadOnlyList<Candidate> Chosen { get; }

        public QuantizedActivations? Activations { get; }

        public ModelProto Model { get; }

        public ParityResult Check(ModelProto model, int threads = 2) => ParityCheck.Run(
            graph, new(model, "m.onnx", Chosen, Activations), scales, ParityInputs.Of(graph, Work(threads)));

        private Workload Work(int threads) => new(images, Unit)
        {
            Resources = new() { Threads = threads },
            Cancellation = TestContext.Current.CancellationToken,
        };
    }
}
