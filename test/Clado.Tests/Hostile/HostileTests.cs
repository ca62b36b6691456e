using System.Buffers.Binary;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Tests.Support;
using Google.Protobuf;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Hostile;

/// <summary>Files made to break a reader end in an error that names the file, and nothing else.</summary>
public class HostileTests
{
    private const int Mutations = 300;

    public static TheoryData<string> Models => [.. HostileModels.All.Keys];

    [Theory]
    [MemberData(nameof(Models))]
    public void HostileModelsAreLocatedErrors(string name) => Refused(HostileModels.All[name]);

    [Theory]
    [InlineData(30)]
    [InlineData(3000)]
    public void GraphsWithinGraphsEndTheReaderNowhere(int depth) => Refused(HostileModels.Bottomless(depth));

    [Fact]
    public void EveryKilobyteOfARealModelIsALocatedError()
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(Repository.Root, "samples", "resnet20.onnx"));
        for (int length = 0; length < bytes.Length; length += 1024)
        {
            Refused(bytes[..length]);
        }
    }

    /// <summary>The fuzzing of the benchmarks in small: read, or refused with the file's name.</summary>
    [Fact]
    public void MutatedModelsAreReadOrLocatedErrors()
    {
        using var folder = new TemporaryFolder();
        var mutator = new ModelMutator(NetworkBuilder.SmallClassifier().Build().ToByteArray());
        int read = 0;
        for (int seed = 0; seed < Mutations; seed++)
        {
            File.WriteAllBytes(folder["broken.onnx"], mutator.Mutate(seed));
            try
            {
                LayerFinder.Find(Graph.Read(folder["broken.onnx"]));
                read++;
            }
            catch (CladoException e)
            {
                Assert.StartsWith("broken.onnx", e.Message, StringComparison.Ordinal);
            }
        }
        Assert.InRange(read, 1, Mutations / 2);
    }

    [Fact]
    public void ImageBombsAndMislabelledImagesAreLocatedErrors()
    {
        using var folder = new TemporaryFolder();
        Harness.Png(folder["whole.png"], 8, 8, SKColors.Red);
        byte[] png = File.ReadAllBytes(folder["whole.png"]);
        // The header of a PNG says 60,000 × 60,000 pixels; its checksum is made right, so that only the size is wrong.
        byte[] bomb = [.. png];
        BinaryPrimitives.WriteUInt32BigEndian(bomb.AsSpan(16), 60_000);
        BinaryPrimitives.WriteUInt32BigEndian(bomb.AsSpan(20), 60_000);
        BinaryPrimitives.WriteUInt32BigEndian(bomb.AsSpan(29), Crc32(bomb.AsSpan(12, 17)));
        var files = new Dictionary<string, byte[]>
        {
            ["bomb.png"] = bomb,
            ["empty.png"] = [],
            ["text.jpg"] = "no image at all"u8.ToArray(),
            ["gif.png"] = "GIF89a\u0001\0\u0001\0\0\0\0,\0\0\0\0\u0001\0\u0001\0\0\u0002\0;"u8.ToArray(),
            ["header.png"] = png[..33],
        };
        for (int length = 1; length < png.Length - 24; length += 5)
        {
            files.Add($"cut{length}.png", png[..length]);
        }
        foreach (var (name, bytes) in files)
        {
            File.WriteAllBytes(folder[name], bytes);
            var error = Assert.Throws<ImageFormatException>(() => ImageReader.Read(
                folder[name], new ImageShape(3, 8, 8, ChannelLayout.Nchw), Preprocessing.Parse("unit"), new float[3 * 8 * 8]));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The checksum of a PNG chunk (ISO 3309), a bit at a time.</summary>
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
            }
        }
        return ~crc;
    }

    private static void Refused(byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["hostile.onnx"], bytes);
        var error = Assert.ThrowsAny<CladoException>(() => LayerFinder.Find(Graph.Read(folder["hostile.onnx"])));
        Assert.StartsWith("hostile.onnx", error.Message, StringComparison.Ordinal);
    }
}
