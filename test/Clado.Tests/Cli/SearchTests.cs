using System.Text.Json;
using Clado.Allocation;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Surrogates tried on the network, and rounds around the best of them.</summary>
public class SearchTests
{
    [Theory]
    [InlineData("kl")]
    [InlineData("ce")]
    [InlineData("mse")]
    public void JointLossIsThatOfTheRebuiltModel(string loss)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 3));
        var graph = Network(8).BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4);
        int[][] choices = [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9], [0, 3, 4, 7, 8], [0, 2, 4, 6, 8]];
        using var records = new RecordStore();
        var unit = Preprocessing.Parse("unit");
        var inputs = new MeasurementInputs(graph, candidates, new Workload(images, unit)) { Scales = Harness.Scales(graph, images) };
        var measured = JointLoss.Measure(inputs, choices, loss, records);
        for (int i = 0; i < choices.Length; i++)
        {
            double naive = NaiveSensitivity.Increase(graph, [.. choices[i].Select(row => candidates.Items[row])], images, unit, loss);
            Assert.Equal(naive, measured[i].Average(), 1e-5 * (1 + Math.Abs(naive)));
        }
        Assert.Equal(measured[0], measured[3]);
        // Again from the records, in another order and with other threads: not a bit changes.
        var alone = inputs with { Work = inputs.Work with { Resources = new() { Threads = 1 } } };
        var again = JointLoss.Measure(alone, [choices[2], choices[0]], loss, records);
        Assert.Equal(measured[2], again[0]);
        Assert.Equal(measured[0], again[1]);
    }

    [Fact]
    public void RoundsNeverMeasureWorseAndAreMeasuredOnce()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        AllocationResult Allocate(string run, int threads, int? rounds, string estimator = "auto")
        {
            var options = new PipelineOptions
            {
                Model = model,
                Images = images,
                Preprocessing = Preprocessing.Parse("unit"),
                Run = folder[run],
                Estimator = estimator,
                Resources = new() { Threads = threads },
            };
            return Pipeline.Measure(options, cancellation: TestContext.Current.CancellationToken)
                .Allocate("2.6bit", rounds: rounds, cancellation: TestContext.Current.CancellationToken);
        }

        var first = Allocate("run", 2, null);
        Assert.Contains(first.Trials, t => t.Round == 1);
        Assert.Equal(first.MeasuredLoss, first.Trials.Last(t => t.IsBest).MeasuredLoss);
        // A last round that finds nothing better predicts the choice itself: its loss on the images that are not held back, three of four.
        var chosen = first.Trials.Last(t => t.IsBest);
        Assert.True(first.Trials[^1].Round > chosen.Round);
        Assert.Equal(((4 * chosen.MeasuredLoss!.Value) - chosen.HeldBackLoss!.Value) / 3, first.OperatingLoss!.Value, 1e-12);
        // What became the operating point got better every time, and the portfolio is the first of it.
        var best = first.Trials.Where(t => t.IsBest).ToArray();
        Assert.Equal(best.OrderByDescending(t => t.HeldBackLoss), best);
        Assert.Equal(best[0].MeasuredLoss, Allocate("run", 2, 0).MeasuredLoss);

        var written = File.GetLastWriteTimeUtc(Path.Combine(folder["run"], "records.sqlite"));
        var again = Allocate("run", 1, null);
        Assert.Equal(first.Chosen.Select(c => c.Bits), again.Chosen.Select(c => c.Bits));
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(folder["run"], "records.sqlite")));
        var elsewhere = Allocate("other", 3, null);
        Assert.Equal(first.Trials, elsewhere.Trials);

        var additive = Allocate("additive", 2, 3, "additive");
        Assert.Equal("additive", additive.Trials[0].Surrogate);
        Assert.Null(additive.Trials[0].HeldBackLoss);
        Assert.Contains(additive.Trials, t => t.Round == 1);
        Assert.Empty(Allocate("additive", 2, null, "additive").Trials);
    }

    [Fact]
    public void WhatIsTriedIsReported()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        Assert.Equal(0, Harness.Command("measure", model, "--images", images, "--preprocess", "unit", "--run", folder["run"]).Code);
        string[] allocate = ["allocate", "--run", folder["run"], "--budget", "3bit"];
        using var json = JsonDocument.Parse(Harness.Command([.. allocate, "--rounds", "1", "--json"]).Output);
        Assert.Equal("auto", json.RootElement.GetProperty("estimator").GetString());
        var trials = json.RootElement.GetProperty("trials").EnumerateArray().ToArray();
        Assert.Equal(
            ["diagonal", "fisher/4", "fisher/2", "fisher", "fisher, shrunk"],
            trials.Where(t => t.GetProperty("round").GetInt32() == 0).Select(t => t.GetProperty("surrogate").GetString()));
        Assert.Equal(
            trials.Last(t => t.GetProperty("isBest").GetBoolean()).GetProperty("measuredLoss").GetDouble(),
            json.RootElement.GetProperty("measuredLoss").GetDouble());
        Assert.Contains("held back", Harness.Command(allocate).Output, StringComparison.Ordinal);

        // Losses of some of the images are records of their own: whoever measures a choice on all of them finds nothing damaged.
        var (code, _, said) = Harness.Command(
            "quantize", model, "--images", images, "--preprocess", "unit", "--run", folder["run"], "--budget", "3bit",
            "-o", folder["q.onnx"]);
        Assert.Equal(0, code);
        Assert.DoesNotContain("damaged", said, StringComparison.Ordinal);

        var wrong = Harness.Command([.. allocate, "--rounds", "-1"]);
        Assert.Equal((2, "clado: --rounds -1: 0 or more are wanted"), (wrong.Code, wrong.Error.TrimEnd()));
        File.Delete(Directory.EnumerateFiles(images, "*.png", SearchOption.AllDirectories).First());
        var changed = Harness.Command("allocate", "--run", folder["run"], "--budget", "3.5bit");
        Assert.Equal(2, changed.Code);
        Assert.Contains("other images than lie in", changed.Error, StringComparison.Ordinal);
    }

    private static (string Model, string Images) Sample(TemporaryFolder folder)
    {
        OnnxFile.Write(Network(8).Build(), folder["m.onnx"]);
        return (folder["m.onnx"], Harness.Images(folder, "images", 4));
    }

    private static NetworkBuilder Network(int classes)
    {
        var net = NetworkBuilder.SmallClassifier(classes: classes);
        net.Model.Graph.Input[0].Type.TensorType.Shape.Dim[2].DimValue = 24;
        net.Model.Graph.Input[0].Type.TensorType.Shape.Dim[3].DimValue = 24;
        return net;
    }
}
