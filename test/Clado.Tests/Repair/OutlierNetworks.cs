using Clado.Onnx;
using Clado.Tests.Support;
using SkiaSharp;

namespace Clado.Tests.Repair;

/// <summary>
/// Networks with one channel that is far larger than all others, and that nobody needs: its reader's weights are zero. On a grid for the
/// whole tensor nothing is left of the other channels.
/// </summary>
internal static class OutlierNetworks
{
    public const int Side = 21;

    private const int Channels = 8;

    /// <summary>A classifier whose first convolution gives the outlier; where it is tripped by rare pixels alone, only there.</summary>
    /// <param name="times">How many times larger than the others.</param>
    /// <param name="rare">Whether bright cyan pixels alone trip it.</param>
    public static NetworkBuilder Classifier(float times, bool rare = false)
    {
        var net = new NetworkBuilder(seed: 3, input: [3, Side, Side]);
        net.Weight("w1", Channels, 3, 1, 1);
        net.Weight("w2", Channels, Channels, 3, 3);
        net.Weight("w3", 10, Channels);
        var (first, second) = (Values(net, "w1"), Values(net, "w2"));
        var bias = new float[Channels];
        first.AsSpan(0, 3).Fill(rare ? 100 * times : times);
        // The sum of a pixel's colours is 2.4 at most.
        bias[0] = rare ? -100 * times * 2.37f : 0;
        for (int i = 0; i < second.Length; i++)
        {
            // Input channel 0.
            second[i] = i / 9 % Channels == 0 ? 0 : second[i];
        }
        Replace(net, "w1", first);
        Replace(net, "w2", second);
        net.Model.Graph.Initializer.Add(TensorData.Singles("b1", bias, Channels));
        var pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);
        return net.Then("Conv", "outlier", ["w1", "b1"]).Then("Relu", "r1").Then("Conv", "c2", ["w2"], pads).Then("Relu", "r2")
            .Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "logits", ["w3"], NodeExtensions.Attribute("transB", 1));
    }

    /// <summary>Writes images of random brightness, a hue a class.</summary>
    public static string Images(TemporaryFolder folder, int count)
    {
        const int Larger = Side * 256 / 224;
        var random = new Random(11);
        for (int i = 0; i < count; i++)
        {
            using var bitmap = new SKBitmap(Larger, Larger, SKColorType.Rgba8888, SKAlphaType.Opaque);
            bitmap.Pixels = [.. Enumerable.Range(0, Larger * Larger).Select(_ => SKColor.FromHsv(45 * (i % 8), 60, random.Next(101)))];
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            Directory.CreateDirectory(folder["images"]);
            File.WriteAllBytes(folder[$"images/{i:000}.png"], data.ToArray());
        }
        return folder["images"];
    }

    private static float[] Values(NetworkBuilder net, string name) =>
        TensorData.ReadSingles("test.onnx", net.Model.Graph.Initializer.First(t => t.Name == name));

    private static void Replace(NetworkBuilder net, string name, float[] values) =>
        TensorData.Overwrite(net.Model.Graph.Initializer.First(t => t.Name == name), values);
}
