using Clado.Activations;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Runs;
using Clado.Tests.Support;
using Clado.Tuning;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace Clado.Tests.Tuning;

/// <summary>Tuning a small network.</summary>
public class NetworkTuningTests
{
    /// <summary>Gradients by weights and biases that are inputs are those of the loss, against differences.</summary>
    [Fact]
    public void GradientsAreThoseOfTheLoss()
    {
        using var folder = new TemporaryFolder();
        var task = Task(folder, threads: 1);
        var (graph, readout) = (task.Graph, Readout.Of(task.Graph));
        var batch = task.Images.Batches(graph, 4).Load(0);
        using var network = new TunedNetwork(graph, readout, task.Tuned, OutputSource.Quantized(graph.File));
        // The loss: scalar products with random numbers.
        var random = new Random(5);
        float[] slope = [.. Enumerable.Range(0, batch.Count * readout.ElementCount).Select(_ => random.NextSingle() - 0.5f)];
        double Loss(Candidate[] now)
        {
            using var runner = new ModelRunner(FakeQuantizedGraph.Of(graph, now), readout, OutputSource.Quantized(graph.File));
            return runner.Run(batch).Zip(slope, (output, s) => (double)output * s).Sum();
        }
        Candidate[] now = [.. task.Tuned];
        var constants = now.SelectMany(Constants).ToDictionary();
        var gradients = network.Run(batch, constants, _ => slope);
        foreach (var value in constants.Values)
        {
            value.Dispose();
        }
        for (int layer = 0; layer < now.Length; layer++)
        {
            // Along the layer's scales, which are numbers, and its biases.
            const float Share = 2e-4f;
            Candidate Other(float share) => now[layer] with
            {
                Scales = [.. now[layer].Scales.Select(scale => scale * (1 + share))],
                Bias = now[layer].Bias?.Select(b => b + share).ToArray(),
            };
            double Along(float share) => Loss([.. now[..layer], Other(share), .. now[(layer + 1)..]]);
            double expected = (Along(Share) - Along(-Share)) / (2 * Share);
            double found = now[layer].Dequantize().Zip(gradients[layer].Weight, (w, g) => (double)w * g).Sum()
                + gradients[layer].Bias.Sum();
            Assert.Equal(expected, found, 0.02 * (Math.Abs(expected) + 0.05));
        }
    }

    /// <summary>On a network that was rounded carelessly tuning gains on images that it has not seen.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GainsOnImagesHeldBack(bool rounded)
    {
        using var folder = new TemporaryFolder();
        var task = Task(folder, threads: 2, rounded);
        using var tuning = new NetworkTuning(task);
        var state = tuning.Run(null, _ => { });
        Assert.Equal(NetworkTuning.Epochs, state.Epoch);
        Assert.InRange(state.Best, 1, NetworkTuning.Epochs);
        Assert.True(state.Losses[1].Average() < 0.9 * state.Losses[0].Average());
        Assert.Equal(task.Start.Select(c => c.Bits), task.With(state.Chosen).Select(c => c.Bits));
    }

    /// <summary>A kill after any epoch, and one thread or three, change no bit.</summary>
    [Fact]
    public void ResumesToTheSameBits()
    {
        using var folder = new TemporaryFolder();
        TuningState Run(int threads, Func<TuningState, bool>? kills)
        {
            var task = Task(folder, threads);
            byte[]? kept = null;
            for (int tries = 0; ; tries++)
            {
                Assert.InRange(tries, 0, NetworkTuning.Epochs + 1);
                try
                {
                    using var tuning = new NetworkTuning(task);
                    return tuning.Run(kept is null ? null : Read(task, kept), state =>
                    {
                        kept = Written(state, task.Key());
                        if (kills?.Invoke(state) == true)
                        {
                            throw new OperationCanceledException();
                        }
                    });
                }
                catch (OperationCanceledException)
                {
                }
            }
        }
        var expected = Written(Run(1, null), "key");
        Assert.Equal(expected, Written(Run(3, null), "key"));
        Assert.Equal(expected, Written(Run(2, state => state.Epoch % 5 != 0), "key"));
    }

    [Fact]
    public void AStateOfSomethingElseIsNone()
    {
        using var folder = new TemporaryFolder();
        var task = Task(folder, threads: 2);
        var state = new TuningState(0, [.. task.Tuned.Select(c => TunedLayer.Begin(c, c.Dequantize()))], 0, task.Tuned, [[1], [1]]);
        byte[] written = Written(state, task.Key());
        Assert.NotNull(Read(task, written, images: 1));
        Assert.Null(TuningFile.Read(new MemoryStream(written), "another", task.Tuned, 1, task.Epochs));
        Assert.Throws<InvalidDataException>(() => Read(task, written, images: 2));
        var other = task with { Start = [.. task.Start.Select(c => c with { Scales = [.. c.Scales.Select(s => 2 * s)] })] };
        Assert.NotEqual(task.Key(), other.Key());
        Assert.NotEqual(task.Key(), (task with { Loss = "ce" }).Key());
        // Numbers that no state has are refused, wherever they stand.
        state.Layers[0].Codes.Values[0] = float.NaN;
        Assert.Throws<InvalidDataException>(() => Read(task, Written(state, task.Key()), images: 1));
    }

    private static TuningState? Read(TuningTask task, byte[] file, int images = 8) =>
        TuningFile.Read(new MemoryStream(file), task.Key(), task.Tuned, images, task.Epochs);

    private static byte[] Written(TuningState state, string key)
    {
        using var stream = new MemoryStream();
        TuningFile.Of(state, key).Write(stream);
        return stream.ToArray();
    }

    internal static TuningTask Task(TemporaryFolder folder, int threads, bool rounded = false)
    {
        var graph = NetworkBuilder.SmallClassifier(classes: 8).BuildGraph();
        var images = ImageFolder.Open(Directory.Exists(folder["images"]) ? folder["images"] : Harness.Images(folder, "images", 4));
        var work = new Workload(images, Preprocessing.Parse("unit")) { Resources = new() { Threads = threads } };
        var start = Harness.FeedbackCandidates(graph, images.WithoutHeldBack(), 2).Items;
        var plan = ActivationPlan.Of(graph, [.. start.Select(c => c.Layer)]);
        var network = !rounded ? graph : QdqInsertion.Of(graph, new QuantizedActivations(
            plan, RangeMeasurement.Measure(graph, plan, new ActivationOptions().Ranges, work)));
        var (seen, heldBack) = (work with { Images = images.WithoutHeldBack() }, work with { Images = images.HeldBack() });
        return new TuningTask(graph, network, start, seen, heldBack) { Loss = "kl" };
    }

    private static IEnumerable<KeyValuePair<string, OrtValue>> Constants(Candidate c)
    {
        yield return new(c.Layer.Weight, OrtValue.CreateTensorValueFromMemory(c.Dequantize(), [.. c.Layer.Shape]));
        if (c.Bias is { } bias)
        {
            yield return new(c.Layer.Bias!, OrtValue.CreateTensorValueFromMemory(bias, [bias.Length]));
        }
    }
}
