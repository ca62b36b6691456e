using Clado.Activations;
using Clado.Execution;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Heads whose quantities differ in scale keep all of them at a tight budget.</summary>
public class HeadTests
{
    private const double Factor = 3;

    public static TheoryData<string> Layouts =>
        ["channels", "last axis", "anchors", "keypoints", "angle", "raw map", "raw anchors", "two outputs"];

    [Theory]
    [MemberData(nameof(Layouts))]
    public void TheSmallPartIsNoWorseThanTheLarge(string layout)
    {
        using var folder = new TemporaryFolder();
        var (net, isSmall, outputs) = Layout(layout);
        OnnxFile.Write(net.Build(outputs), folder["net.onnx"]);
        var pipeline = Pipeline.Measure(
            new PipelineOptions
            {
                Model = folder["net.onnx"],
                Images = Harness.Images(folder, "set", 6),
                Preprocessing = Preprocessing.Parse("unit"),
                Bits = [2, 3, 4, 5, 6, 7, 8],
                Run = folder["run"],
                // A flat row of keypoints would be read as classes otherwise.
                Loss = "mse",
                Activations = new ActivationOptions { Format = ActivationFormat.Float },
            },
            cancellation: TestContext.Current.CancellationToken);
        foreach (string budget in (string[])["2.6bit", "3.2bit", "4bit"])
        {
            var result = pipeline.Allocate(budget, cancellation: TestContext.Current.CancellationToken);
            pipeline.Deploy(result, folder["out.onnx"], cancellation: TestContext.Current.CancellationToken).Commit();
            var (small, large) = Errors(folder["net.onnx"], folder["out.onnx"], ImageFolder.Open(folder["set"]), isSmall);
            var bits = string.Join(' ', result.Chosen.Select(c => $"{c.Layer.Weight}:{c.Bits}"));
            var errors = $"{layout}, {budget}: relative error {small:0.0000} of the small part, {large:0.0000} of the large; {bits}";
            TestContext.Current.TestOutputHelper!.WriteLine(errors);
            Assert.True(small <= Factor * large, errors);
        }
    }

    /// <summary>A network, whether an element of its outputs, in row-major order, is of the small part, and the outputs.</summary>
    private static (NetworkBuilder Net, Func<int, bool> IsSmall, string[] Outputs) Layout(string name) => name switch
    {
        "channels" => (Heads.ChannelAxis(), element => element / 36 >= 4, []),
        "last axis" => (Heads.LastAxis(), element => element % 8 >= 4, []),
        "anchors" => (Heads.AnchorAxis(), element => element / 4 >= 36, []),
        "keypoints" => (Heads.Keypoints(), element => element % 3 == 2, []),
        "angle" => (Heads.AngleAndLogits(), element => element / 36 == 3, []),
        "raw map" => (Heads.RawMap(), element => element / 36 % 8 >= 4, []),
        "raw anchors" => (Heads.RawAnchors(), element => element % 8 >= 4, []),
        _ => (Heads.TwoOutputs(), element => element >= 4 * 36, ["large", "small"]),
    };

    /// <summary>Root mean square error over standard deviation, of either part.</summary>
    private static (double Small, double Large) Errors(string before, string after, ImageSet images, Func<int, bool> isSmall)
    {
        float[][] expected = Outputs(before, images), actual = Outputs(after, images);
        double Of(bool small)
        {
            int[] elements = [.. Enumerable.Range(0, expected[0].Length).Where(k => isSmall(k) == small)];
            double[] values = [.. expected.SelectMany(image => elements.Select(k => (double)image[k]))];
            double mean = values.Average(), variance = values.Average(v => (v - mean) * (v - mean));
            double Squared(double difference) => difference * difference;
            return Math.Sqrt(expected.Zip(actual, (z0, z) => elements.Average(k => Squared((double)z[k] - z0[k]))).Average() / variance);
        }

        return (Of(true), Of(false));
    }

    /// <summary>Shape: [images][elements of all outputs].</summary>
    private static float[][] Outputs(string model, ImageSet images)
    {
        var graph = Clado.Graphs.Graph.Read(model);
        using var session = new GraphSession(OnnxFile.Read(model), model);
        var batches = new ImageBatches(images, graph, Preprocessing.Parse("unit"), 1);
        return [.. Enumerable.Range(0, batches.Count).Select(index =>
        {
            using var feed = batches.Load(index).Feed();
            using var values = session.Run(feed);
            return values.SelectMany(v => v.GetTensorDataAsSpan<float>().ToArray()).ToArray();
        })];
    }
}
