using Clado.Images;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Candidates that are measured forward on some of the images only, where all would cost too much.</summary>
public class SampledForwardTests
{
    private static readonly int[] Widths = [2, 3, 4, 5, 6, 7, 8];

    /// <summary>Where it costs little it is done on all images.</summary>
    [Fact]
    public void FewCandidatesAreMeasuredOnAllImages()
    {
        using var folder = new TemporaryFolder();
        var inputs = Inputs(folder, perClass: 3) with { Forward = [0, 8] };
        using var records = new RecordStore();
        var expected = SensitivityMeasurement.Measure(inputs, [], Fisher, records);
        Assert.Equal(expected.Raw, Measure(inputs, []).Raw);
    }

    /// <summary>Of many, on a sample: losses alone come closer to those of all images than gradients are, and all else stays.</summary>
    [Fact]
    public void ManyAreMeasuredOnASample()
    {
        using var folder = new TemporaryFolder();
        var inputs = Inputs(folder, perClass: 36);
        int n = inputs.Candidates.Items.Count;
        int[] rows = [.. Enumerable.Range(0, n - 1)];
        using var records = new RecordStore();
        var gradients = SensitivityMeasurement.Measure(inputs, [], Fisher, records);
        using var others = new RecordStore();
        var forward = SensitivityMeasurement.Measure(inputs, [], new() { Estimator = "diagonal" }, others);
        var sampled = Measure(inputs with { Forward = rows }, []);
        Assert.All(
            Enumerable.Range(0, n * n).Where(i => i % (n + 1) != 0 || i / n == n - 1),
            i => Assert.Equal(gradients.Raw[i], sampled.Raw[i]));
        double Error(SensitivityMatrix own) => rows.Sum(row => Math.Abs(Math.Log(own.LossIncrease(row) / forward.LossIncrease(row))));
        Assert.True(Error(sampled) < Error(gradients) / 2, $"{Error(sampled)} of {Error(gradients)}");
        // They are of a sample, and not as sure; that is known where it is shown, from the run folder too.
        Assert.InRange(sampled.ForwardImages!.Value, 128, inputs.Work.Images.Items.Count - 1);
        Assert.Null(Measure(inputs, []).ForwardImages);
        using var file = new MemoryStream();
        SensitivityFile.Of(sampled).Write(file);
        file.Position = 0;
        Assert.Equal(sampled.ForwardImages, SensitivityFile.Read(file).ForwardImages);
        Assert.Contains(rows, row => sampled.LossIncrease(row) != forward.LossIncrease(row));
        // With other threads, and around a choice.
        var alone = inputs with { Forward = rows, Work = inputs.Work with { Resources = new() { Threads = 1 } } };
        Assert.Equal(sampled.Raw, Measure(alone, []).Raw);
        int[] point = [6, 13, 20];
        Assert.Equal(Measure(alone, point).Raw, Measure(alone with { Work = inputs.Work }, point).Raw);
    }

    private static SensitivityOptions Fisher => new() { Estimator = "fisher" };

    private static SensitivityMatrix Measure(MeasurementInputs inputs, int[] point)
    {
        using var records = new RecordStore();
        return SampledForward.Measure(inputs, point, Fisher, records);
    }

    private static MeasurementInputs Inputs(TemporaryFolder folder, int perClass)
    {
        // Under a steep exponential large changes do what no gradient says.
        var net = new NetworkBuilder(input: [3, 12, 12]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 8, 8, 3, 3);
        net.Weight("w3", 8, 8);
        net.Then("Conv", "a", ["w1"]).Then("Exp", "ea").Then("Conv", "b", ["w2"]).Then("Exp", "eb").Then("GlobalAveragePool", "p");
        var graph = net.Then("Flatten", "f").Then("MatMul", "logits", ["w3"]).BuildGraph();
        var set = ImageFolder.Open(Harness.Images(folder, "set", perClass));
        return new(graph, Harness.Candidates(graph, Widths), new Workload(set, Preprocessing.Parse("unit")))
        {
            Scales = Harness.Scales(graph, set),
            BatchSize = 16,
        };
    }
}
