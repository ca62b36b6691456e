using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Metrics;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;

namespace Clado.Tests.Metrics;

/// <summary>
/// A network of two products that a few lines compute in double precision, and everything of it a metric is made of: losses, gradients,
/// Hessians by their definitions.
/// </summary>
internal sealed class TinyNetwork : IDisposable
{
    private const int Side = 4, Inputs = 3 * Side * Side, Hidden = 6, Classes = 8;

    private readonly TemporaryFolder folder = new();
    private readonly RecordStore records = new();

    public TinyNetwork(bool labelled = true)
    {
        var net = new NetworkBuilder(input: [3, Side, Side]);
        net.Weight("w1", Inputs, Hidden);
        net.Weight("w2", Hidden, Classes);
        net.Then("Flatten", "f").Then("MatMul", "a", ["w1"]).Then("Relu", "h").Then("MatMul", "z", ["w2"]);
        Graph = net.BuildGraph();
        var path = Harness.Images(folder, "images", 3);
        if (!labelled)
        {
            foreach (var (i, file) in Directory.GetFiles(path, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Index())
            {
                Directory.CreateDirectory(folder["plain"]);
                File.Copy(file, folder[$"plain/{i:000}.png"]);
            }
            path = folder["plain"];
        }
        var work = new Workload(ImageFolder.Open(path), Preprocessing.Parse("unit")) { Resources = new() { Threads = 2 } };
        Context = new MetricContext(
            new MeasurementInputs(Graph, Harness.Candidates(Graph, 2, 3, 4, 8), work), new SensitivityOptions(), records);
        var images = Context.Images(int.MaxValue);
        Images = [.. images.Select(image => image.Pixels.Select(pixel => (double)pixel).ToArray())];
        Labels = [.. images.SelectMany(image => image.Labels ?? [])];
        W1 = Doubles("w1");
        W2 = Doubles("w2");
    }

    public Graph Graph { get; }

    public MetricContext Context { get; }

    /// <summary>Weights of the first layer. Shape: [in, out].</summary>
    public double[] W1 { get; }

    /// <summary>Weights of the second layer. Shape: [in, out].</summary>
    public double[] W2 { get; }

    /// <summary>The images as the network takes them. Shape: [images][inputs].</summary>
    public double[][] Images { get; }

    /// <summary>Their labels; empty where they have none. Shape: [images].</summary>
    public int[] Labels { get; }

    /// <summary>What the layers give for an image.</summary>
    public static (double[] A, double[] Z) Outputs(double[] x, double[] w1, double[] w2)
    {
        double[] a = Times(x, w1, Hidden);
        return (a, Times([.. a.Select(value => Math.Max(0, value))], w2, Classes));
    }

    public static double[] Softmax(double[] z)
    {
        double[] e = [.. z.Select(value => Math.Exp(value - z.Max()))];
        return [.. e.Select(value => value / e.Sum())];
    }

    /// <summary>Gradients of an image's cross-entropy, by the chain rule. Shape: [layers][parameters].</summary>
    public double[][] Gradients(double[] x, int label) => Gradients(x, label, W1, W2);

    /// <summary>The same at other weights.</summary>
    public static double[][] Gradients(double[] x, int label, double[] w1, double[] w2)
    {
        double[] a = Outputs(x, w1, w2).A;
        var (back, slope) = Slopes(x, label, w1, w2);
        return
        [
            [.. x.SelectMany(value => back.Select(own => value * own))],
            [.. a.SelectMany(value => slope.Select(own => Math.Max(0, value) * own))],
        ];
    }

    /// <summary>The same by what the layers give.</summary>
    public (double[] A, double[] Z) Slopes(double[] x, int label) => Slopes(x, label, W1, W2);

    /// <summary>Mean gradients over some images at other weights. Shape: [layers][parameters].</summary>
    public double[][] MeanGradients(int[] images, double[] w1, double[] w2)
    {
        double[][][] all = [.. images.Select(i => Gradients(Images[i], Labels[i], w1, w2))];
        return [.. Enumerable.Range(0, 2).Select(layer =>
            Enumerable.Range(0, all[0][layer].Length).Select(k => all.Average(own => own[layer][k])).ToArray())];
    }

    private static (double[] A, double[] Z) Slopes(double[] x, int label, double[] w1, double[] w2)
    {
        var (a, z) = Outputs(x, w1, w2);
        double[] slope = [.. Softmax(z).Select((p, c) => p - (c == label ? 1 : 0))];
        double Back(int i) => Enumerable.Range(0, Classes).Sum(c => w2[(i * Classes) + c] * slope[c]);
        return ([.. a.Select((value, i) => value > 0 ? Back(i) : 0)], slope);
    }

    /// <summary>Mean cross-entropy with other weights.</summary>
    public double Loss(double[] w1, double[] w2) =>
        Images.Select((x, i) => -Math.Log(Softmax(Outputs(x, w1, w2).Z)[Labels[i]])).Average();

    public double[] WeightsOf(Candidate candidate) => [.. candidate.Dequantize().Select(weight => (double)weight)];

    public void Dispose()
    {
        records.Dispose();
        folder.Dispose();
    }

    private double[] Doubles(string name) =>
        [.. TensorData.ReadSingles("test.onnx", Graph.Initializers[name]).Select(weight => (double)weight)];

    private static double[] Times(double[] row, double[] matrix, int columns) =>
        [.. Enumerable.Range(0, columns).Select(c => row.Select((value, i) => value * matrix[(i * columns) + c]).Sum())];
}
