using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Losses;
using Clado.Onnx;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Evaluation;

/// <summary>Files and models that were never written are evaluated alike, and losses know their names in one place.</summary>
public class EvaluatorTests
{
    // Of a loss of a batch: sums of some dozen products in single precision.
    private const double SinglePrecision = 1e-5;

    // Of the logarithm of probabilities that add up to 1.
    private const double DoublePrecision = 1e-14;

    [Fact]
    public void AFileIsEvaluatedLikeTheModelThatWouldBeWritten()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        // More than a batch.
        var options = Options(folder, Harness.Images(folder, "set", 5), graph);
        var work = new Workload(ImageFolder.Open(options.Images), options.Preprocessing)
        {
            Cancellation = TestContext.Current.CancellationToken,
        };
        ModelProto[] models = [.. ((int[])[2, 4]).Select(bits => ModelWriter.Build(graph, Harness.Candidates(graph, bits).Items))];
        var compared = ModelComparison.Evaluate(graph, models, "kl", null, null, work);
        Assert.Equal(3, compared.Count);
        foreach (var (model, expected) in models.Prepend(null).Zip(compared))
        {
            var path = model is null ? folder["net.onnx"] : folder["quantized.onnx"];
            long size = model is null ? graph.FileSizeBytes : OnnxFile.Write(model, path);
            var actual = Evaluator.Evaluate(path, options, cancellation: TestContext.Current.CancellationToken);
            Assert.Equal((path, size, 40, true), (actual.Model, actual.SizeBytes, actual.Images, actual.Labelled));
            Assert.Equal(size, expected.SizeBytes);
            Assert.Equal((expected.Top1, expected.Top5, expected.Agreement), (actual.Top1, actual.Top5, actual.Agreement));
            Assert.Equal(expected.Loss!.Value, actual.Loss!.Value, SinglePrecision);
            Assert.Equal(expected.LossIncrease!.Value, actual.LossIncrease!.Value, SinglePrecision);
        }
        // The float network against itself, and what the widths lose.
        Assert.Equal(1, compared[0].Agreement);
        Assert.Equal(0, compared[0].LossIncrease!.Value, DoublePrecision);
        Assert.InRange(compared[2].LossIncrease!.Value, DoublePrecision, compared[1].LossIncrease!.Value);
    }

    [Fact]
    public void WithoutAReferenceNothingIsComparedAndWithoutLabelsNothingScored()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        var options = Options(folder, Harness.Images(folder, "set", 1), graph);
        var alone = Evaluate(options with { Reference = null });
        Assert.Equal((null, null), (alone.Agreement, alone.LossIncrease));
        Assert.NotNull(alone.Top1);
        var flat = Evaluate(options with { Images = folder["set/3"] });
        Assert.False(flat.Labelled);
        Assert.Equal((null, null, null), (flat.Top1, flat.Top5, flat.Loss));
        Assert.Equal(1, flat.Agreement);
        Assert.Equal(3, Evaluate(options with { Limit = 3 }).Images);

        EvaluationResult Evaluate(EvaluationOptions with) =>
            Evaluator.Evaluate(folder["net.onnx"], with, cancellation: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void AReferenceOfOtherSizesIsRefused()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder, Harness.Images(folder, "set", 1), NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph());
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 9, side: 24).Build(), folder["other.onnx"]);
        var error = Assert.Throws<CladoException>(
            () => Evaluator.Evaluate(folder["other.onnx"], options, cancellation: TestContext.Current.CancellationToken));
        Assert.StartsWith($"{folder["other.onnx"]}: its inputs or outputs differ in size", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsRefuseWhatIsNoneAndCopyWhatTheyAreGiven()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new EvaluationOptions { Images = "set", Loss = "hinge" });
        Assert.Throws<CladoException>(() => new EvaluationOptions { Images = "set", Limit = 0 });
        List<OutputScale> scales = [new("y", new OutputParts([4], []), [1])];
        var options = new EvaluationOptions { Images = "set", Scales = scales };
        scales.Clear();
        Assert.Single(options.Scales!);
    }

    [Fact]
    public void LossesAreKnownByTheirNames()
    {
        Assert.Equal(["kl", "ce", "mse"], SensitivityOptions.Losses);
        Assert.All(SensitivityOptions.Losses, name => Assert.Equal(name, LossKind.Named(name).Name));
        var (classes, map) = (new Readout(["y"], [10], true), new Readout(["y"], [10], false));
        Assert.Equal(("kl", "mse", "ce"), (LossKind.Of(classes, null).Name, LossKind.Of(map, null).Name, LossKind.Of(map, "ce").Name));
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => LossKind.Named("KL"));
        Assert.Contains("kl, ce, mse", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Writes a network, which is the reference, and says how to evaluate against it.</summary>
    private static EvaluationOptions Options(TemporaryFolder folder, string images, Graph graph)
    {
        OnnxFile.Write(graph.Model, folder["net.onnx"]);
        return new EvaluationOptions { Images = images, Preprocessing = Preprocessing.Parse("unit"), Reference = folder["net.onnx"] };
    }
}
