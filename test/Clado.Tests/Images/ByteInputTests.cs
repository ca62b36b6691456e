using Clado.Evaluation;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Google.Protobuf;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Images;

/// <summary>Networks that take bytes, channels last, as exporters of mobile frameworks write them.</summary>
public class ByteInputTests
{
    /// <summary>Bytes are the nearest, ties to even, and nothing wraps around.</summary>
    [Fact]
    public void RoundingSaturates()
    {
        static int Slow(float value) => float.IsNaN(value)
            ? 0
            : Enumerable.Range(0, 256).OrderBy(b => Math.Abs((double)b - Math.Clamp(value, 0, 255))).ThenBy(b => b % 2).First();
        Gen.OneOf(Gen.Single, Gen.Single[-300, 600], Gen.Int[-10, 520].Select(i => i / 2f))
            .Sample(value => Assert.Equal(Slow(value), ImageTensor.ByteOf(value)));
        float[] limits = [float.NegativeInfinity, -0.6f, 255.5f, float.PositiveInfinity, 1.5f, 2.5f, float.NaN];
        Assert.Equal([0, 0, 255, 255, 2, 2, 0], limits.Select(v => (int)ImageTensor.ByteOf(v)));
    }

    /// <summary>
    /// A network of bytes gets what its twin of floats does, in bytes; and the pixels as they are where nothing would be left of them.
    /// </summary>
    [Theory]
    [InlineData("imagenet", true)]
    [InlineData("unit", true)]
    [InlineData("raw255", false)]
    [InlineData("""{"scale": 0.5, "mean": [3.25]}""", false)]
    [InlineData("""{"channels": "Bgr", "crop": false}""", true)]
    public void ANetworkOfBytesIsItsTwinOfFloats(string preprocessing, bool isReplaced)
    {
        using var folder = new TemporaryFolder();
        Save(folder["bytes.onnx"], DataType.Uint8);
        Save(folder["floats.onnx"], DataType.Float);
        var asked = preprocessing.StartsWith('{') ? Preprocessing.FromJson(preprocessing, "test") : Preprocessing.Parse(preprocessing);
        var twins = isReplaced ? asked with { Scale = 1, Mean = [0], Std = [1] } : asked;
        // Not of the input's size: scaled and cropped as those of the twin.
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var (bytes, floats) = (Graph.Read(folder["bytes.onnx"]), Graph.Read(folder["floats.onnx"]));
        var first = new ImageBatches(images, bytes, asked, 16).Load(0);
        var second = new ImageBatches(images, floats, twins, 16).Load(0);
        Assert.Equal(second.Pixels, first.Pixels);
        using var feed = first.Feed();
        Assert.Equal(second.Pixels.Select(ImageTensor.ByteOf), feed["x"].GetTensorDataAsSpan<byte>().ToArray());
        Assert.Equal([16, 20, 20, 3], feed["x"].GetTensorTypeAndShape().Shape);
        Assert.Equal(isReplaced ? 1 : 0, ImageNotes.Of(images, bytes, asked).Count());
        Assert.Empty(ImageNotes.Of(images, floats, asked));
    }

    [Fact]
    public void ANetworkOfBytesIsQuantized()
    {
        using var folder = new TemporaryFolder();
        Save(folder["bytes.onnx"], DataType.Uint8);
        Save(folder["floats.onnx"], DataType.Float);
        var images = Harness.Images(folder, "set", 2);
        string[] Quantize(string name, string preprocess) =>
        [
            "quantize", folder[$"{name}.onnx"], "--images", images, "--preprocess", preprocess, "--bits", "4,8", "--estimator", "diagonal",
            "--budget", "6bit", "-o", folder[$"{name}-6.onnx"], "--run", folder[$"run-{name}"],
        ];
        var (code, _, error) = Harness.Command(Quantize("bytes", "imagenet"));
        Assert.True(code == 0, error);
        Assert.Contains("bytes.onnx takes bytes, of which --preprocess would leave next to nothing", error);
        Assert.Equal(0, Harness.Command(Quantize("floats", "raw255")).Code);
        var (bytes, floats) = (OnnxFile.Read(folder["bytes-6.onnx"]), OnnxFile.Read(folder["floats-6.onnx"]));
        // What goes in stays what it was, and the weights are those of the twin.
        Assert.Equal(DataType.Uint8, (DataType)bytes.Graph.Input[0].Type.TensorType.ElemType);
        Assert.Equal(
            floats.Graph.Initializer.Where(i => i.Name.StartsWith('w')).Select(i => i.ToByteString()),
            bytes.Graph.Initializer.Where(i => i.Name.StartsWith('w')).Select(i => i.ToByteString()));
        var stop = TestContext.Current.CancellationToken;
        var options = new EvaluationOptions { Images = images, Reference = folder["bytes.onnx"] };
        var evaluation = Evaluator.Evaluate(folder["bytes-6.onnx"], options, null, stop);
        Assert.InRange(evaluation.Agreement!.Value, 0.8, 1);
        Assert.Single(LatencyMeasurement.Measure([folder["bytes-6.onnx"]], 1, runs: 2, cancellation: stop));
        // Images that are not there any more: random bytes show what is wrong just as well.
        Directory.Delete(images, recursive: true);
        (code, _, error) = Harness.Command(
            "export", "--run", folder["run-bytes"], "--budget", "6bit", "--activations", "float", "-o", folder["again.onnx"]);
        Assert.True(code == 0, error);
        Assert.Contains("random inputs", error);
    }

    /// <summary>The image of several inputs is what images usually are; only where none is, what they may be.</summary>
    [Theory]
    [InlineData("Uint8", new long[] { 20, 20, 3 }, "Float", new long[] { 5, 6, 7 }, "x")]
    [InlineData("Float", new long[] { 4, 20, 20 }, "Float", new long[] { 5, 6, 7 }, "x")]
    [InlineData("Float", new long[] { 5, 6, 4 }, "Float", new long[] { 3, 20, 20 }, "y")]
    [InlineData("Uint8", new long[] { 5, 6, 3 }, "Float", new long[] { 3, 20, 20 }, "y")]
    [InlineData("Uint8", new long[] { 5, 6, 3 }, "Float", new long[] { 20, 20, 4 }, null)]
    public void TheImageIsFoundAmongInputs(string first, long[] firstShape, string second, long[] secondShape, string? image)
    {
        var net = new NetworkBuilder(input: firstShape);
        net.Model.Graph.Input[0].Type.TensorType.ElemType = (int)Enum.Parse<DataType>(first);
        var other = new NetworkBuilder(input: secondShape).Model.Graph.Input[0];
        (other.Name, other.Type.TensorType.ElemType) = ("y", (int)Enum.Parse<DataType>(second));
        net.Model.Graph.Input.Add(other);
        GraphInputs Find() => GraphInputs.Of(
            net.Model.Graph, InputOptions.Parse(null, [image == "x" ? "y=1" : image == "y" ? "x=1" : "z=1"]), "net.onnx");
        if (image is null)
        {
            Assert.Throws<OnnxFormatException>(Find);
            return;
        }
        // Without a value for the other, which would tell.
        var found = Assert.Throws<OnnxFormatException>(() => GraphInputs.Of(net.Model.Graph, new(), "net.onnx"));
        Assert.Contains($"takes more than the image '{image}'", found.Message, StringComparison.Ordinal);
        Assert.Equal(image, Find().Image);
    }

    private static void Save(string path, DataType type)
    {
        var net = new NetworkBuilder(seed: 4, input: [20, 20, 3]);
        net.Model.Graph.Input[0].Type.TensorType.ElemType = (int)type;
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 8, 8);
        net.Model.Graph.Initializer.Add(TensorData.Singles("scale", [1 / 255f], []));
        net.Then("Cast", "f", null, NodeExtensions.Attribute("to", (long)DataType.Float)).Then("Mul", "m", ["scale"])
            .Then("Transpose", "t", null, NodeExtensions.Attribute("perm", 0, 3, 1, 2)).Then("Conv", "c", ["w1"]).Then("Relu", "r")
            .Then("GlobalAveragePool", "p").Then("Flatten", "v")
            .Then("Gemm", "logits", ["w2"], NodeExtensions.Attribute("transB", 1));
        File.WriteAllBytes(path, net.Build().ToByteArray());
    }
}
