using System.Text.Json;
using Clado.Activations;
using Clado.Images;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Google.Protobuf;
using Xunit;

namespace Clado.Tests.Sensitivity;

public class RoundedActivationsTests
{
    // Suffixes are fused differently than whole networks: near a tie, one element of one image may round to the other side.
    private const double OneRounding = 2e-3;

    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    [Fact]
    public void SuffixesOfTheRoundedNetworkEqualTheNaiveReference()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 3);
        var plan = ActivationPlan.Of(graph, candidates.Layers);
        var ranges = RangeMeasurement.Measure(graph, plan, RangeMethod.LeastSquares, new Workload(images, Unit)
        {
            Resources = new() { Threads = 2 },
            Cancellation = TestContext.Current.CancellationToken,
        });
        var rounded = QdqInsertion.Of(graph, new QuantizedActivations(plan, ranges));
        Assert.Equal(graph.Nodes.Count + plan.Tensors.Count, rounded.Nodes.Count);
        Assert.Equal(graph.Initializers.Keys.Order(), rounded.Initializers.Keys.Where(graph.Initializers.ContainsKey).Order());
        foreach (var estimator in (string[])["pairwise", "diagonal"])
        {
            using var records = new RecordStore();
            var inputs = new MeasurementInputs(rounded, candidates, new Workload(images, Unit));
            var matrix = SensitivityMeasurement.Measure(
                inputs, [], new SensitivityOptions { Estimator = estimator }, records).Raw;
            var naive = NaiveSensitivity.Measure(rounded, candidates, images, Unit, "kl", []);
            var floats = NaiveSensitivity.Measure(graph, candidates, images, Unit, "kl", []);
            double scale = naive.Max(Math.Abs);
            int n = candidates.Items.Count;
            bool differs = false;
            for (int i = 0; i < matrix.Length; i++)
            {
                if (estimator == "pairwise" || i % (n + 1) == 0)
                {
                    Assert.True(
                        Math.Abs(matrix[i] - naive[i]) <= OneRounding * scale, $"{estimator}, entry {i}: {matrix[i]} against {naive[i]}");
                    differs |= Math.Abs(matrix[i] - floats[i]) > 2 * OneRounding * scale;
                }
            }
            Assert.True(differs, "rounding activations changes nothing that is measured");
        }
    }

    [Fact]
    public void ARunKnowsWhatItWasMeasuredOn()
    {
        using var folder = new TemporaryFolder();
        var images = Harness.Images(folder, "set", 2);
        File.WriteAllBytes(folder["m.onnx"], NetworkBuilder.SmallClassifier().Build().ToByteArray());
        string[] measure = ["measure", folder["m.onnx"], "--images", images, "--preprocess", "unit"];
        string[] allocate = ["--budget", "4bit", "--json"];
        foreach (var activations in (string[])["8", "float"])
        {
            var (code, _, error) = Harness.Command([.. measure, "--measure-activations", activations, "--run", folder[activations]]);
            Assert.True(code == 0, error);
        }
        var refused = Harness.Command([.. measure, "--run", folder["8"], "--measure-activations", "float"]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("measuredActivations (there \"8\", now \"float\")", refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["float/ranges.json"]));

        // What is measured later is measured on the same grids: again gives the same.
        var first = Harness.Command(["allocate", "--run", folder["8"], .. allocate]);
        Assert.True(first.Code == 0, first.Error);
        File.Delete(folder["8/records.sqlite"]);
        Assert.Equal(first.Output, Harness.Command(["allocate", "--run", folder["8"], .. allocate]).Output);
        double Predicted(string run)
        {
            using var json = JsonDocument.Parse(Harness.Command(["allocate", "--run", folder[run], .. allocate]).Output);
            return json.RootElement.GetProperty("predictedLoss").GetDouble();
        }

        Assert.NotEqual(Predicted("8"), Predicted("float"));
    }
}
