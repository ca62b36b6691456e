using Clado.Cli;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>A written model gets its name when nothing can refuse it any more, and nothing that comes after ends the command.</summary>
public class NamedLastTests
{
    private const int Compared = 256;

    /// <summary>8-bit activations make a divisor 0 on one image, which is not among those used to compare file and simulation.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FilesThatTheEvaluationRefusesAreNotWritten(bool refine)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(DividedByActivations().Build(), folder["net.onnx"]);
        var images = ImageFolder.Open(Harness.Images(folder, "images", (Compared / 8) + 1));
        var left = images.Items.Select(i => i.Path).Except(images.Limit(Compared, 0).Items.Select(i => i.Path)).First();
        Harness.Png(left, 24, 24, SKColors.Black);
        Directory.CreateDirectory(folder["out"]);
        File.WriteAllText(folder["out/q.onnx"], "what lay there");

        string[] command =
        [
            "quantize", folder["net.onnx"], "--images", folder["images"], "--preprocess", "unit", "--rounding", "nearest",
            "--estimator", "diagonal", "--bits", "8", "--budget", "8bit", "--activations", "8", "--run", folder["run"],
            "-o", folder["out/q.onnx"],
        ];
        var (code, _, error) = Harness.Command(refine ? [.. command, "--refine"] : command);
        Assert.Equal(2, code);
        Assert.Equal("what lay there", File.ReadAllText(folder["out/q.onnx"]));
        Assert.Single(Directory.EnumerateFileSystemEntries(folder["out"]));
        var refusal = $"{folder["out/q.onnx"]} (the quantized model, not written): output 'y' is infinite";
        Assert.Contains(refusal, error, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(left), error, StringComparison.Ordinal);
    }

    /// <summary>While a refined model is still to be looked at, the one before it has no name either.</summary>
    [Fact]
    public void RefiningNamesOnlyWhatIsKept()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(side: 24, classes: 8).Build(), folder["net.onnx"]);
        var images = Harness.Images(folder, "images", 2);
        using var error = new Watcher("refining: loss increase", () => File.Exists(folder["q.onnx"]));
        string[] command =
        [
            "quantize", folder["net.onnx"], "--images", images, "--preprocess", "unit", "--estimator", "diagonal", "--bits", "3,8",
            "--budget", "5bit", "--refine", "--run", folder["run"], "-o", folder["q.onnx"],
        ];
        int code = App.Run(command, TextWriter.Null, error, cancellation: TestContext.Current.CancellationToken);
        Assert.True(code == 0, $"{error}");
        Assert.Equal([false], error.Seen);
        Assert.True(File.Exists(folder["q.onnx"]));
    }

    /// <summary>At 2 bits in all layers a divisor is 0, which nobody asked for: the file is written, and the row is left out.</summary>
    [Fact]
    public void NetworksBesideTheFileDoNotEndTheCommand()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(DividedByTwoLayers().Build(), folder["net.onnx"]);
        var (code, output, error) = Harness.Command(
            "quantize", folder["net.onnx"], "--images", Harness.Images(folder, "images", 2), "--preprocess", "unit",
            "--rounding", "nearest", "--estimator", "diagonal", "--bits", "2,8", "--budget", "6bit", "--activations", "float",
            "--run", folder["run"], "-o", folder["q.onnx"]);
        Assert.True(code == 0, error);
        Assert.Contains("uniform widths beside the file: left out, the file is written", error, StringComparison.Ordinal);
        Assert.Contains("output 'y' is infinite", error, StringComparison.Ordinal);
        Assert.Contains("written: ", output, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["q.onnx"]));
    }

    /// <summary>
    /// Logits divided by a convolution of the mean brightness plus a small constant.
    /// Where an image is black, that is less than half a step of 8 bits.
    /// </summary>
    private static NetworkBuilder DividedByActivations()
    {
        var net = NetworkBuilder.SmallClassifier(classes: 8, side: 24);
        var graph = net.Model.Graph;
        graph.Initializer.Add(TensorData.Singles("bw", [.. Enumerable.Repeat(0.1f, 27)], 1, 3, 3, 3));
        graph.Initializer.Add(TensorData.Singles("bb", [1e-4f], 1));
        graph.Initializer.Add(TensorData.Singles("dw", [1], 1, 1, 1, 1));
        net.Add("Conv", ["x", "bw", "bb"], "bright").Then("Relu", "br").Then("GlobalAveragePool", "bp");
        net.Then("Conv", "d", ["dw"]).Then("Flatten", "df");
        return net.Add("Div", ["logits", "df"], "y");
    }

    /// <summary>Logits divided by the sum of two products in which only one small weight each counts, which is 0 at two bits.</summary>
    private static NetworkBuilder DividedByTwoLayers()
    {
        var net = NetworkBuilder.SmallClassifier(classes: 8, side: 24);
        var graph = net.Model.Graph;
        graph.Initializer.Add(TensorData.Singles("mask", [1, 0, 0, 0, 0, 0, 0, 0], 1, 8));
        graph.Initializer.Add(TensorData.Singles("nought", [0], 1));
        foreach (var weight in (string[])["d1", "d2"])
        {
            graph.Initializer.Add(TensorData.Singles(weight, [0.01f, 1, 1, 1, 1, 1, 1, 1], 8, 1));
        }
        net.Add("Mul", ["logits", "nought"], "zero").Then("Add", "features", ["mask"]);
        net.Add("MatMul", ["features", "d1"], "m1").Add("MatMul", ["features", "d2"], "m2").Add("Add", ["m1", "m2"], "d");
        return net.Add("Div", ["logits", "d"], "y");
    }

    /// <summary>Asks something at every line that begins with a text.</summary>
    private sealed class Watcher(string text, Func<bool> ask) : StringWriter
    {
        public List<bool> Seen { get; } = [];

        public override void WriteLine(string? value)
        {
            if (value?.StartsWith(text, StringComparison.Ordinal) == true)
            {
                Seen.Add(ask());
            }
            base.WriteLine(value);
        }
    }
}
