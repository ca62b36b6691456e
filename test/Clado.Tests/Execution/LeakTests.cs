using Clado.Calibration;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Google.Protobuf;
using Xunit;

namespace Clado.Tests.Execution;

/// <summary>
/// Whatever is stopped or fails leaves no session behind. The sessions of the process are counted: no other test may run meanwhile.
/// </summary>
[CollectionDefinition(nameof(LeakTests), DisableParallelization = true)]
[Collection(nameof(LeakTests))]
public class LeakTests
{
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    [Fact]
    public void WhatIsCancelledLeavesNoSessions()
    {
        using var folder = new TemporaryFolder();
        // More than a batch, so that there is something left to cancel.
        var images = ImageFolder.Open(Harness.Images(folder, "set", 5));
        var graph = NetworkBuilder.SmallClassifier(classes: 8).BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4);
        var layers = LayerFinder.Find(graph).Layers;
        Candidate[] At(int bits) => [.. candidates.Items.Where(c => c.Bits == bits)];
        ModelProto[] models = [ModelWriter.Build(graph, At(2)), ModelWriter.Build(graph, At(4))];
        File.WriteAllBytes(folder["m.onnx"], models[0].ToByteArray());
        OnnxFile.Write(models[1], folder["n.onnx"]);
        int[] rows = [.. Enumerable.Range(0, layers.Count).Select(layer => 2 * layer)];
        void Cancelled(Action<IProgress<double>, CancellationToken> action)
        {
            int open = GraphSession.OpenCount;
            using var source = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => action(new Cancelling(source), source.Token));
            Assert.Equal(open, GraphSession.OpenCount);
        }

        using var records = new RecordStore();
        var options = new SensitivityOptions { Loss = "kl" };
        Workload Work(IProgress<double>? progress, CancellationToken token) => new(images, Unit)
        {
            Resources = new() { Threads = 2, MemoryBytes = 1L << 32 },
            Progress = progress,
            Cancellation = token,
        };
        MeasurementInputs Inputs(IProgress<double> progress, CancellationToken token) => new(graph, candidates, Work(progress, token));

        Cancelled((progress, token) => JointLoss.Measure(Inputs(progress, token), [rows, [.. rows.Select(row => row + 1)]], "kl", records));
        Cancelled((progress, token) => SensitivityMeasurement.Measure(Inputs(progress, token), rows, options, records));
        Cancelled((progress, token) => ModelComparison.Evaluate(graph, models, "kl", null, null, Work(progress, token)));
        Cancelled((progress, token) => Evaluator.Evaluate(
            new(folder["m.onnx"]), new(folder["n.onnx"], "kl"), new(), Work(progress, token)));
        Cancelled((progress, token) => ParityCheck.Run(
            graph, new(models[0], folder["m.onnx"], At(2), null), null, ParityInputs.Of(graph, Work(progress, token))));
        Cancelled((progress, token) =>
        {
            progress.Report(0);
            LatencyMeasurement.Measure([folder["m.onnx"], folder["n.onnx"]], 1, cancellation: token);
        });
        Cancelled((progress, token) =>
        {
            progress.Report(0);
            Assert.Empty(InputMeasurement.Measure(graph, layers, Work(null, token)));
        });
        Cancelled((progress, token) =>
        {
            using var inputs = new SequentialCalibration(graph, graph, layers, Work(null, token));
            inputs.Next();
            progress.Report(0);
            inputs.Next();
        });
    }

    /// <summary>Of several sessions the second cannot be made: the first must not stay.</summary>
    [Fact]
    public void WhatFailsLeavesNoSessions()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var graph = NetworkBuilder.SmallClassifier(classes: 8).BuildGraph();
        var sound = ModelWriter.Build(graph, Harness.Candidates(graph, 4).Items);
        var broken = sound.Clone();
        broken.Graph.Node[^1].OpType = "Nonsense";
        OnnxFile.Write(sound, folder["sound.onnx"]);
        OnnxFile.Write(broken, folder["broken.onnx"]);
        void Fails<TError>(Action action) where TError : Exception
        {
            int open = GraphSession.OpenCount;
            Assert.Throws<TError>(action);
            Assert.Equal(open, GraphSession.OpenCount);
        }

        var work = new Workload(images, Unit)
        {
            Resources = new() { MemoryBytes = 1 << 20 },
            Cancellation = TestContext.Current.CancellationToken,
        };
        Fails<OnnxFormatException>(() => ModelComparison.Evaluate(graph, [sound, broken], "kl", null, null, work));
        Fails<OnnxFormatException>(() => LatencyMeasurement.Measure(
            [folder["sound.onnx"], folder["broken.onnx"]], 1, cancellation: TestContext.Current.CancellationToken));
        using var records = new RecordStore();
        Fails<CladoException>(() => SensitivityMeasurement.Measure(
            new(graph, Harness.Candidates(graph, 4), work), [], new(), records));
    }

    [Fact]
    public void OwnedThingsAreDisposedOnceWhenTheNextCannotBeMade()
    {
        var made = new List<Counted>();
        IEnumerable<Counted> Make()
        {
            for (int i = 0; i < 2; i++)
            {
                made.Add(new Counted());
                yield return made[^1];
            }
            throw new InvalidOperationException("No more.");
        }

        Assert.Throws<InvalidOperationException>(() => new OwnedList<Counted>(Make()));
        Assert.Equal([1, 1], made.Select(m => m.Count));
        using (var owned = new OwnedList<Counted>(made))
        {
            Assert.Equal(made, owned);
        }
        Assert.Equal([2, 2], made.Select(m => m.Count));
    }

    [Fact]
    public void ALibraryOrFunctionThatIsNotThereIsNoError()
    {
        Assert.Null(NativeMemory.Find("no-such-library", "malloc_trim"));
        Assert.Null(NativeMemory.Find("libc", "no_such_function"));
        NativeMemory.Release();
    }

    private sealed class Cancelling(CancellationTokenSource source) : IProgress<double>
    {
        public void Report(double value) => source.Cancel();
    }

    private sealed class Counted : IDisposable
    {
        public int Count { get; private set; }

        public void Dispose() => Count++;
    }
}
