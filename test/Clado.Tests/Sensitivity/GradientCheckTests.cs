using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Gradients checked by forward passes, and what takes their place.</summary>
public class GradientCheckTests
{
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    /// <summary>
    /// With every candidate measured forward, of outputs so few that all of them are differentiated, there is nothing left of gradients:
    /// the matrix is the additive one.
    /// </summary>
    [Theory]
    [InlineData("kl")]
    [InlineData("mse")]
    public void WithEveryCandidateForwardItIsAdditive(string loss)
    {
        using var folder = new TemporaryFolder();
        var inputs = Inputs(NetworkBuilder.SmallClassifier(classes: 2, side: 24).BuildGraph(), Harness.Images(folder, "set", 3));
        var (all, additive) = (
            Measure(inputs with { Forward = Rows(inputs) }, "fisher", loss), Measure(inputs, "additive", loss));
        MatrixAssert.Close(additive.Raw, all.Raw);
        MatrixAssert.Close(additive.StandardErrors, all.StandardErrors);
    }

    /// <summary>Of some, the losses alone are the measured ones; entries of two others stay as they were.</summary>
    [Theory]
    [InlineData(8)]
    [InlineData(40)]
    public void WithSomeForwardTheOthersStay(int classes)
    {
        using var folder = new TemporaryFolder();
        var inputs = Inputs(NetworkBuilder.SmallClassifier(classes: classes, side: 24).BuildGraph(), Harness.Images(folder, "set", 3));
        int[] forward = [0, 5];
        var (mixed, fisher, diagonal) = (
            Measure(inputs with { Forward = forward }, "fisher"), Measure(inputs, "fisher"), Measure(inputs, "diagonal"));
        int n = fisher.CandidateCount;
        Assert.All(forward, row => Assert.Equal(diagonal.LossIncrease(row), mixed.LossIncrease(row), 1e-6 * diagonal.LossIncrease(row)));
        Assert.All(
            Enumerable.Range(0, n * n).Where(i => !forward.Contains(i / n) && !forward.Contains(i % n)),
            i => Assert.Equal(fisher.Raw[i], mixed.Raw[i]));
        Assert.Contains(Enumerable.Range(0, n), other => fisher.Raw[other] != mixed.Raw[other]);
    }

    /// <summary>Where widths do not agree they are measured forward, from the narrowest on; the last that was looked at agrees.</summary>
    [Fact]
    public void WidthsThatDoNotAgreeAreMeasuredForward()
    {
        using var folder = new TemporaryFolder();
        // Under a steep exponential large changes do what no gradient says.
        var inputs = Inputs(Steep(), Harness.Images(folder, "set", 4));
        using var records = new RecordStore();
        var checks = GradientChecks.Measure(inputs, new() { Estimator = "auto" }, records);
        Assert.Equal(2, checks[0].Bits);
        Assert.False(checks[0].Agrees);
        Assert.All(checks.SkipLast(1), check => Assert.False(check.Agrees));
        Assert.True(checks.Count == 3 || checks[^1].Agrees);
        var forward = GradientChecks.Forward(inputs.Candidates, checks, []);
        int[] widths = [.. checks.Where(check => !check.Agrees).Select(check => check.Bits)];
        Assert.Equal(Rows(inputs).Where(row => widths.Contains(inputs.Candidates.Items[row].Bits)), forward);
        // Around a choice that stands at such a width, all of that layer is.
        int[] choice = [0, 5, 8];
        Assert.Equal(
            Rows(inputs).Where(row => row < 3 || widths.Contains(inputs.Candidates.Items[row].Bits)),
            GradientChecks.Forward(inputs.Candidates, [.. checks.Where(check => check.Bits != 8)], choice));
        // What the check compares are the sums of what was measured, on the images it was measured on.
        var additive = Measure(inputs, "additive");
        var few = inputs.Candidates.Items.Index().Where(c => c.Item.Bits == 2).Select(c => c.Index);
        Assert.Equal(few.Sum(additive.LossIncrease), checks[0].Measured, 1e-5 * checks[0].Measured);
        // Again from the records, with other threads.
        var alone = inputs with { Work = inputs.Work with { Resources = new() { Threads = 1 } } };
        Assert.Equal(checks, GradientChecks.Measure(alone, new() { Estimator = "auto" }, records));
    }

    /// <summary>A run of its own keeps what was found, and the matrix is that of gradients and of what was measured forward.</summary>
    [Fact]
    public void ARunKeepsWhatWasFound()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(Steep().Model, folder["m.onnx"]);
        string[] options =
            ["--images", Harness.Images(folder, "set", 4), "--preprocess", "unit", "--bits", "2,4,8", "--rounding", "nearest"];
        var (code, output, error) = Harness.Command(["measure", folder["m.onnx"], .. options, "--run", folder["run"]]);
        Assert.True(code == 0, error);
        Assert.Contains("at 2 bits: loss increases add up to", output, StringComparison.Ordinal);
        Assert.Contains("this width was measured forward", output, StringComparison.Ordinal);
        var matrix = Pipeline.Open(folder["run"]).Sensitivity;
        Assert.Equal("fisher", matrix.Estimator);
        Assert.False(matrix.Checks[0].Agrees);
    }

    /// <summary>Without gradients auto measures forward, and says why.</summary>
    [Fact]
    public void WithoutGradientsAutoMeasuresForward()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(Recurrent().Build(), folder["m.onnx"]);
        string[] options = ["--images", Harness.Images(folder, "set", 2), "--preprocess", "unit", "--bits", "2,8"];
        var (code, output, error) = Harness.Command(["measure", folder["m.onnx"], .. options, "--run", folder["run"]]);
        Assert.True(code == 0, error);
        Assert.Contains("it is measured forward, a pass a candidate", output + error, StringComparison.Ordinal);
        Assert.Contains("operator LSTM", output + error, StringComparison.Ordinal);
        var run = Pipeline.Open(folder["run"]);
        Assert.Equal(("additive", 0), (run.Sensitivity.Estimator, run.Sensitivity.Checks.Count));
        var trials = run.Allocate("4bit", rounds: 1, cancellation: TestContext.Current.CancellationToken).Trials;
        Assert.Contains(trials, trial => trial.Surrogate.StartsWith("additive", StringComparison.Ordinal));
    }

    private static MeasurementInputs Inputs(Graph graph, string images)
    {
        var set = ImageFolder.Open(images);
        return new(graph, Harness.Candidates(graph, 2, 4, 8), new Workload(set, Unit) { Resources = new() { Threads = 2 } })
        {
            Scales = Harness.Scales(graph, set),
        };
    }

    private static int[] Rows(MeasurementInputs inputs) => [.. Enumerable.Range(0, inputs.Candidates.Items.Count)];

    private static SensitivityMatrix Measure(MeasurementInputs inputs, string estimator, string? loss = null)
    {
        using var records = new RecordStore();
        return SensitivityMeasurement.Measure(inputs, [], new() { Estimator = estimator, Loss = loss }, records);
    }

    private static Graph Steep()
    {
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 8, 8, 3, 3);
        net.Weight("w3", 8, 8);
        net.Model.Graph.Initializer.Add(TensorData.Singles("steep", [6], 1));
        net.Then("Conv", "a", ["w1"]).Then("Exp", "ea").Then("Conv", "b", ["w2"]).Then("Tanh", "tb");
        net.Then("GlobalAveragePool", "g").Then("Flatten", "f").Then("Mul", "m", ["steep"]).Then("Exp", "e");
        return net.Then("MatMul", "y", ["w3"]).BuildGraph();
    }

    private static NetworkBuilder Recurrent()
    {
        var net = NetworkBuilder.SmallClassifier(classes: 8, side: 24);
        net.Weight("r", 1, 20, 8);
        net.Weight("h", 1, 20, 5);
        net.Model.Graph.Initializer.Add(TensorData.Integers("steps", [1, -1, 8], 3));
        net.Model.Graph.Initializer.Add(TensorData.Integers("flat", [-1, 5], 2));
        net.Then("Reshape", "sequence", ["steps"]).Then("LSTM", "l", ["r", "h"], NodeExtensions.Attribute("hidden_size", 5));
        return net.Then("Reshape", "y", ["flat"]);
    }
}
