using Clado.Onnx;
using Clado.Tests.Support;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace Clado.Tests.Onnx;

public class OnnxFileTests
{
    [Fact]
    public void UnknownFieldsSurviveARoundTrip()
    {
        // Field 20 (training information) is not in our schema.
        var model = NetworkBuilder.SmallClassifier().Build();
        byte[] bytes = [.. model.ToByteArray(), 0xA2, 0x01, 0x02, 0x08, 0x05];
        Assert.Equal(bytes.Order(), OnnxFile.Parse("m.onnx", bytes).ToByteArray().Order());
    }

    [Fact]
    public void EveryTruncationIsALocatedErrorOrAWholeModel()
    {
        using var folder = new TemporaryFolder();
        var bytes = NetworkBuilder.SmallClassifier().Build().ToByteArray();
        for (int length = 0; length < bytes.Length; length += 7)
        {
            File.WriteAllBytes(folder["cut.onnx"], bytes[..length]);
            var error = Assert.Throws<OnnxFormatException>(() => OnnxFile.Read(folder["cut.onnx"]));
            Assert.StartsWith("cut.onnx", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ExternalDataInsideTheFolderIsRead()
    {
        using var folder = new TemporaryFolder();
        var expected = NetworkBuilder.SmallClassifier().Build();
        var model = External(expected, "sub/weights.bin");
        Directory.CreateDirectory(folder["sub"]);
        File.WriteAllBytes(folder["sub/weights.bin"], [.. expected.Graph.Initializer.SelectMany(t => t.RawData.ToByteArray())]);
        File.WriteAllBytes(folder["m.onnx"], model.ToByteArray());
        Assert.Equal(expected, OnnxFile.Read(folder["m.onnx"]));
    }

    [Theory]
    [InlineData("/", "/weights.bin", true)]
    [InlineData("/", "/", false)]
    [InlineData("/a", "/a/b", true)]
    [InlineData("/a/", "/a/b/c", true)]
    [InlineData("/a", "/ab", false)]
    [InlineData("/a/b", "/a", false)]
    public void AFolderHoldsWhatLiesBelowIt(string folder, string path, bool held)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "paths of POSIX");
        Assert.Equal(held, FolderPath.Holds(folder, path));
    }

    [Theory]
    [InlineData("../weights.bin", "outside the model's folder")]
    [InlineData("/etc/passwd", "outside the model's folder")]
    [InlineData("link/weights.bin", "outside the model's folder")]
    [InlineData("missing.bin", "is missing")]
    [InlineData("short.bin", "bytes; the tensor wants")]
    public void ExternalDataElsewhereIsRefused(string location, string problem)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["models"]);
        Directory.CreateDirectory(folder["elsewhere"]);
        File.WriteAllBytes(folder["weights.bin"], new byte[1 << 16]);
        File.WriteAllBytes(folder["elsewhere/weights.bin"], new byte[1 << 16]);
        File.WriteAllBytes(folder["models/short.bin"], new byte[3]);
        Directory.CreateSymbolicLink(folder["models/link"], folder["elsewhere"]);
        File.WriteAllBytes(folder["models/m.onnx"], External(NetworkBuilder.SmallClassifier().Build(), location).ToByteArray());
        var error = Assert.Throws<OnnxFormatException>(() => OnnxFile.Read(folder["models/m.onnx"]));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Equal("w1", error.Tensor);
    }

    /// <summary>A tensor without elements wants no byte of its file, and yet the file is opened.</summary>
    [Fact]
    public async Task ExternalDataInAPipeIsRefused()
    {
        using var folder = new TemporaryFolder();
        Assert.SkipUnless(folder.Pipe("w.bin"), "this system has no pipes among its files");
        var model = NetworkBuilder.SmallClassifier().Build();
        var empty = TensorData.Singles("empty", [], 0);
        ExternalData.Refer(empty, "w.bin", 0);
        model.Graph.Initializer.Add(empty);
        File.WriteAllBytes(folder["m.onnx"], model.ToByteArray());
        var reading = Task.Run(() => OnnxFile.Read(folder["m.onnx"]), TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<OnnxFormatException>(
            () => reading.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Equal("empty", error.Tensor);
        Assert.Contains("is no regular file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ImpossibleShapesAreRefusedBeforeAnythingIsAllocated()
    {
        using var folder = new TemporaryFolder();
        foreach (long[] dims in (long[][])[[-1, 3], [1L << 40, 1L << 40], [7]])
        {
            var model = NetworkBuilder.SmallClassifier().Build();
            model.Graph.Initializer[0].Dims.Clear();
            model.Graph.Initializer[0].Dims.Add(dims);
            File.WriteAllBytes(folder["m.onnx"], model.ToByteArray());
            Assert.Equal("w1", Assert.Throws<OnnxFormatException>(() => OnnxFile.Read(folder["m.onnx"])).Tensor);
        }
    }

    private static ModelProto External(ModelProto model, string location)
    {
        var external = model.Clone();
        long offset = 0;
        foreach (var tensor in external.Graph.Initializer)
        {
            tensor.DataLocation = TensorProto.Types.DataLocation.External;
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = $"{offset}" });
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = $"{tensor.RawData.Length}" });
            offset += tensor.RawData.Length;
            tensor.ClearRawData();
        }
        return external;
    }

    /// <summary>Too large for one file: the data goes beside it, and the runtime finds it there as the reader does.</summary>
    [Fact]
    public void LargeModelsKeepTheirDataInASecondFile()
    {
        using var folder = new TemporaryFolder();
        var model = NetworkBuilder.SmallClassifier().Build();
        var expected = Harness.Outputs(model);
        long size = OnnxFile.Write(model, folder["m.onnx"], maximumSizeBytes: 2_000);
        var data = Assert.Single(Directory.GetFiles(folder.Path, "m.onnx.*.data"));
        Assert.Equal(size, new FileInfo(folder["m.onnx"]).Length + new FileInfo(data).Length);
        Assert.True(new FileInfo(folder["m.onnx"]).Length < model.CalculateSize());
        Assert.Equal(expected, Harness.Outputs(OnnxFile.Read(folder["m.onnx"])));
        using var session = new InferenceSession(folder["m.onnx"]);
        Assert.Equal("logits", session.OutputNames[0]);
        // Small enough for one: as before.
        Assert.Equal(OnnxFile.Write(model, folder["s.onnx"]), new FileInfo(folder["s.onnx"]).Length);
        Assert.Single(Directory.GetFiles(folder.Path, "s.onnx*"));
    }
}
