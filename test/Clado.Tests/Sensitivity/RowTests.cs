using System.Text;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>What rows (output channels) cost, measured with their layers.</summary>
public class RowTests
{
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    /// <summary>
    /// A candidate that rounds one row alone is a row of the matrix. What the row costs alone is that entry, its share of the whole layer
    /// the sum of its cross terms with all rows, and shares add up to the layer's entry: exactly, where vectors are drawn.
    /// </summary>
    [Theory]
    [InlineData("mse")]
    [InlineData("cosine")]
    public void RowsAreCandidatesThatRoundOneRow(string loss)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 3));
        foreach (var network in (Graph[])[FisherTests.Linear(classes: 6), Grouped()])
        {
            var fine = Harness.Candidates(network, 8);
            var graph = FakeQuantizedGraph.Of(network, fine.Items);
            var candidates = Harness.FeedbackCandidates(graph, images, 3, 5);
            var matrix = Measure(graph, candidates, images, loss, rows: true);
            var rows = matrix.Channels!;
            int width = 0;
            foreach (int bits in (int[])[3, 5])
            {
                Candidate[] own = [.. candidates.Items.Where(candidate => candidate.Bits == bits)];
                var single = new CandidateSet(candidates.Layers, [.. own.Zip(fine.Items, (coarse, other) => Enumerable
                    .Range(0, coarse.Layer.ChannelCount).Select(row => Single(graph, coarse, other, row))).SelectMany(all => all)]);
                var expected = Measure(graph, single, images, loss);
                int n = single.Items.Count;
                int[] all = [.. Enumerable.Range(0, rows.Layout.Count)];
                int[] at = [.. own.SelectMany((_, layer) => all[rows.Layout.Of((2 * layer) + width)])];
                MatrixAssert.Close([.. Enumerable.Range(0, n).Select(i => expected.Raw[i * (n + 1)])], [.. at.Select(i => rows.Alone[i])]);
                MatrixAssert.Close(
                    [.. Enumerable.Range(0, n).Select(i => expected.StandardErrors[i * (n + 1)])],
                    [.. at.Select(i => rows.AloneErrors[i])]);
                MatrixAssert.Close(
                    [.. Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n)
                        .Where(j => single.LayerOf[i] == single.LayerOf[j]).Sum(j => expected.Raw[(i * n) + j]))],
                    [.. at.Select(i => rows.Shares[i])]);
                width++;
            }
            MatrixAssert.Close(Diagonal(matrix), Wholes(matrix));
            // Measuring rows changes nothing else but last bits.
            MatrixAssert.Close(Measure(graph, candidates, images, loss).Raw, matrix.Raw);
        }
    }

    /// <summary>Where the loss itself is taken of shifts, shares add up to the layer's entry as far as the loss is quadratic.</summary>
    [Theory]
    [InlineData("kl", 8, 0.02)]
    [InlineData("kl", 3, 0.02)]
    [InlineData("ce", 8, 0.05)]
    public void SharesOfSmallChangesAddUpToTheLayers(string loss, int classes, double tolerance)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 4));
        var graph = FisherTests.Linear(classes);
        var matrix = Measure(graph, Harness.Candidates(graph, 7, 8), images, loss, rows: true);
        double[] expected = Diagonal(matrix), found = Wholes(matrix);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance * expected.Max(Math.Abs)));
    }

    /// <summary>Of few outputs vectors are drawn for rows alone: shares add up in the mean.</summary>
    [Theory]
    [InlineData("kl", 2)]
    [InlineData("ce", 3)]
    [InlineData("mse", 2)]
    public void SharesOfFewOutputsAddUpInTheMean(string loss, int classes)
    {
        using var folder = new TemporaryFolder();
        var all = ImageFolder.Open(Harness.Images(folder, "set", 40));
        var images = new ImageSet(all.Folder, [.. all.Items.Where(item => item.Label < classes)]);
        var graph = FisherTests.Linear(classes);
        var matrix = Measure(graph, Harness.Candidates(graph, 7, 8), images, loss, rows: true);
        double[] expected = Diagonal(matrix), found = Wholes(matrix);
        Assert.InRange(found.Sum() / expected.Sum(), 0.6, 1.6);
    }

    /// <summary>Rows are the same for any number of threads, stopped and gone on with, and made again where they are damaged.</summary>
    [Fact]
    public void RowsAreAProductOfTheRun()
    {
        using var folder = new TemporaryFolder();
        var images = Harness.Images(folder, "set", 12);
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build(), folder["model.onnx"]);
        Run("one", 1);
        var expected = File.ReadAllBytes(folder["one/rows.safetensors"]);
        Run("three", 3);
        Assert.Equal(expected, File.ReadAllBytes(folder["three/rows.safetensors"]));

        using (var stop = new CancellationTokenSource())
        {
            var progress = new Watcher(report =>
            {
                if (report.Stage == StageNames.Measuring && report.Share is > 0.3)
                {
                    stop.Cancel();
                }
            });
            Assert.ThrowsAny<OperationCanceledException>(() => Run("stopped", 2, progress, stop.Token));
        }
        Assert.False(File.Exists(folder["stopped/rows.safetensors"]));
        Run("stopped", 1);
        Assert.Equal(expected, File.ReadAllBytes(folder["stopped/rows.safetensors"]));

        File.WriteAllBytes(folder["one/rows.safetensors"], [.. expected[..^9], 1]);
        var said = new List<string>();
        Run("one", 1, new Watcher(report => said.Add(report.Detail ?? "")));
        Assert.Contains(said, text => text.Contains("rows.safetensors: is damaged", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(folder["three/rows.safetensors"]), File.ReadAllBytes(folder["one/rows.safetensors"]));

        void Run(string run, int threads, IProgress<StageProgress>? progress = null, CancellationToken? stop = null) => Pipeline.Measure(
            new PipelineOptions
            {
                Model = folder["model.onnx"],
                Images = images,
                Preprocessing = Unit,
                Run = folder[run],
                Estimator = "fisher",
                Rows = true,
                Resources = new() { Threads = threads },
            },
            progress, stop ?? TestContext.Current.CancellationToken);
    }

    [Fact]
    public void AFileOfOtherCandidatesIsRefused()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var candidates = Harness.Candidates(graph, 3, 4);
        var rows = Measure(graph, candidates, images, "kl", rows: true).Channels!;
        byte[] Bytes(ChannelSensitivities own)
        {
            using var stream = new MemoryStream();
            RowFile.Of(own, candidates).Write(stream);
            return stream.ToArray();
        }

        static ChannelSensitivities Read(byte[] bytes, CandidateSet candidates) => RowFile.Read(new MemoryStream(bytes), candidates);
        var bytes = Bytes(rows);
        var read = Read(bytes, candidates);
        Assert.Equal(rows.Alone, read.Alone);
        Assert.Equal(rows.ShareErrors, read.ShareErrors);
        Assert.Equal(rows.ImageCount, read.ImageCount);
        Assert.Throws<InvalidDataException>(() => Read(bytes, Harness.Candidates(graph, 3, 4, 5)));
        Assert.Throws<InvalidDataException>(() => Read(Bytes(rows with { ImageCount = 0 }), candidates));
        Assert.Throws<InvalidDataException>(() => Read(Bytes(rows with { Shares = [.. rows.Shares.Select(_ => double.NaN)] }), candidates));
        var version = Encoding.UTF8.GetBytes("\"version\":\"1\"");
        int at = bytes.AsSpan().IndexOf(version);
        bytes[at + version.Length - 2] = (byte)'2';
        var error = Assert.Throws<InvalidDataException>(() => Read(bytes, candidates));
        Assert.Contains("version '2'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RowsWantGradients()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "set", 1);
        string[] measure = ["measure", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--rows"];
        var (code, _, error) = Harness.Command([.. measure, "--run", folder["run"], "--estimator", "additive"]);
        Assert.Equal(2, code);
        Assert.Contains(
            "--rows wants gradients, and --estimator additive takes none; use --estimator fisher", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
        (code, _, error) = Harness.Command([.. measure, "--run", folder["run"]]);
        Assert.True(code == 0, error);
        Assert.True(File.Exists(folder["run/rows.safetensors"]));
        (code, _, error) = Harness.Command([.. measure[..^1], "--run", folder["run"]]);
        Assert.Equal(2, code);
        Assert.Contains("rows (there true, now nothing)", error, StringComparison.Ordinal);
    }

    /// <summary>Channels of groups: a transposed convolution's share scales, a depthwise one has one of one weight each.</summary>
    internal static Graph Grouped()
    {
        var net = new NetworkBuilder(input: [3, 12, 12]);
        net.Weight("o", 4, 3, 1, 1);
        net.Weight("t", 4, 3, 3, 3);
        net.Weight("d", 6, 1, 3, 3);
        net.Weight("m", 6, 5);
        net.Then("Conv", "i", ["o"]);
        net.Then("ConvTranspose", "c", ["t"], NodeExtensions.Attribute("group", 2), NodeExtensions.Attribute("strides", 2, 2));
        net.Then("Conv", "e", ["d"], NodeExtensions.Attribute("group", 6), NodeExtensions.Attribute("strides", 2, 2));
        net.Then("Transpose", "s", [], NodeExtensions.Attribute("perm", 0, 2, 3, 1)).Then("MatMul", "p", ["m"]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("axes", [1, 2], 2));
        net.Model.Graph.Initializer.Add(TensorData.Integers("flat", [-1, 5], 2));
        return net.Then("ReduceMean", "r", ["axes"]).Then("Reshape", "y", ["flat"]).BuildGraph();
    }

    /// <summary>One row of a candidate, the others as they are in the network.</summary>
    private static Candidate Single(Graph graph, Candidate candidate, Candidate fine, int row)
    {
        var (codes, scales) = ((sbyte[])fine.Codes.Clone(), (float[])fine.Scales.Clone());
        foreach (int position in candidate.Layer.Positions(row))
        {
            codes[position] = candidate.Codes[position];
        }
        scales[row] = candidate.Scales[row];
        float[]? bias = null;
        if (candidate.Bias is { } shifted)
        {
            bias = TensorData.ReadSingles(graph.File, graph.Initializers[candidate.Layer.Bias!]);
            bias[row] = shifted[row];
        }
        return candidate with { Codes = codes, Scales = scales, Bias = bias };
    }

    private static double[] Diagonal(SensitivityMatrix matrix) =>
        [.. Enumerable.Range(0, matrix.CandidateCount).Select(i => matrix.Raw[i * (matrix.CandidateCount + 1)])];

    private static double[] Wholes(SensitivityMatrix matrix) => [.. Enumerable.Range(0, matrix.CandidateCount)
        .Select(i => matrix.Channels!.Shares[matrix.Channels.Layout.Of(i)].Sum())];

    private static SensitivityMatrix Measure(Graph graph, CandidateSet candidates, ImageSet images, string loss, bool rows = false)
    {
        using var records = new RecordStore();
        var inputs = new MeasurementInputs(graph, candidates, new Workload(images, Unit) { Resources = new() { Threads = 2 } })
        {
            Scales = loss == "mse" ? Harness.Scales(graph, images) : null,
            Rows = rows,
        };
        return SensitivityMeasurement.Measure(inputs, [], new() { Estimator = "fisher", Loss = loss }, records);
    }

    private sealed class Watcher(Action<StageProgress> watch) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => watch(value);
    }
}
