using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Runs;
using Clado.Tests.Support;
using Clado.Tuning;
using CsCheck;
using Xunit;

namespace Clado.Tests.Tuning;

/// <summary>Tuning a small network block by block.</summary>
public class BlockTuningTests
{
    private const int Epochs = 6;

    /// <summary>Gradients of a block's error are those of differences, and with its float weights and inputs it has no error.</summary>
    [Fact]
    public void GradientsAreThoseOfTheError()
    {
        using var folder = new TemporaryFolder();
        var task = Task(folder, threads: 1);
        var (graph, tuned) = (LocalFunctions.Inlined(task.Network), task.Tuned);
        var blocks = new BlockTuning(task).Blocks;
        var importance = OutputImportance.Of(task, [.. blocks.SelectMany(block => block.To)], task.Images);
        using var images = new BlockImages(graph, blocks, task.Images);
        foreach (var (index, block) in blocks.Index())
        {
            images.Advance(FakeQuantizedGraph.Of(graph, task.Start));
            using var network = new BlockNetwork(
                graph, block, tuned, [.. block.To.Select((_, output) => importance[index + output])]);
            var batch = images.Batch([0, 3, 5]);
            Candidate[] own = [.. block.Layers.Select(layer => tuned[layer])];
            double Error(int layer, float share)
            {
                using var values = TensorFeed.Constants(own.Select((c, i) => (
                    c, i == layer ? Scaled(c, 1 + share) : c.Dequantize(),
                    i == layer ? c.Bias?.Select(b => b + share).ToArray() : c.Bias)));
                return network.Error(batch, values);
            }
            using var constants = TensorFeed.Constants(own.Select(c => (c, c.Dequantize(), c.Bias)));
            var gradients = network.Gradients(batch, constants);
            for (int layer = 0; layer < own.Length; layer++)
            {
                const float Share = 1e-3f;
                double expected = (Error(layer, Share) - Error(layer, -Share)) / (2 * Share);
                double found = own[layer].Dequantize().Zip(gradients[layer].Weight, (w, g) => (double)w * g).Sum()
                    + gradients[layer].Bias.Sum();
                Assert.Equal(expected, found, 0.03 * (Math.Abs(expected) + (0.1 * Error(-1, 0))));
            }
        }
    }

    /// <summary>
    /// What comes is better on images held back than what it begins at, whether activations are rounded or not; widths stay.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GainsOnImagesHeldBack(bool rounded)
    {
        using var folder = new TemporaryFolder();
        var task = Task(folder, threads: 2, rounded) with { Epochs = 200 };
        var tuning = new BlockTuning(task);
        var state = tuning.Run(null, _ => { });
        Assert.Equal(tuning.Blocks.Count, state.Errors.Count);
        Assert.Equal(tuning.Blocks.Count, state.Better);
        Assert.Equal(task.Tuned.Select(c => c.Layer.Name), state.Chosen.Select(c => c.Layer.Name));
        Assert.Equal(task.Start.Select(c => (c.Bits, c.SizeBytes)), task.With(state.Chosen).Select(c => (c.Bits, c.SizeBytes)));
        Assert.NotEqual(task.Tuned.SelectMany(c => c.Codes), state.Chosen.SelectMany(c => c.Codes));
        Assert.True(state.Errors[^1][1] < 0.6 * ErrorOfStart(task, tuning));
    }

    /// <summary>A kill after any block, one thread or three, and memory that keeps nothing between blocks change no bit.</summary>
    [Fact]
    public void ResumesToTheSameBits()
    {
        using var folder = new TemporaryFolder();
        byte[] Run(int threads, bool kills, long? memory = null)
        {
            var task = Task(folder, threads, rounded: true, memory);
            byte[]? kept = null;
            for (int tries = 0; ; tries++)
            {
                Assert.InRange(tries, 0, 20);
                var tuning = new BlockTuning(task);
                try
                {
                    var state = tuning.Run(kept is null ? null : Read(kept, task, tuning.Blocks.Count), state =>
                    {
                        kept = Written(state);
                        if (kills)
                        {
                            throw new OperationCanceledException();
                        }
                    });
                    return Written(state);
                }
                catch (OperationCanceledException)
                {
                }
            }
        }
        var expected = Run(1, kills: false);
        Assert.Equal(expected, Run(3, kills: false));
        Assert.Equal(expected, Run(2, kills: true));
        // Of one version of each image: with so little memory there are no more.
        Assert.Equal(Run(2, kills: false, memory: 1), Run(1, kills: true, memory: 1));
    }

    [Fact]
    public void AStateOfSomethingElseIsNone()
    {
        using var folder = new TemporaryFolder();
        var task = Task(folder, threads: 1);
        byte[] written = Written(new BlockState(task.Tuned, [[2, 1]]));
        Assert.Equal(1, Read(written, task, 3)!.Better);
        Assert.Null(BlockFile.Read(new MemoryStream(written), "another", task.Tuned, 3));
        Assert.Throws<InvalidDataException>(() => Read(written, task, 0));
        Assert.NotEqual(new BlockTuning(task).Key(), new BlockTuning(task with { Epochs = 2 }).Key());
    }

    /// <summary>Codes end on the grid within a step of where they began, whatever gradients come; pairs fit into integer kernels.</summary>
    [Fact]
    public void StaysWritable() => Gen.Select(Gen.Int[2, 8], Gen.Int[0, 1 << 20], Gen.Float[-6, 6]).Sample((bits, seed, size) =>
    {
        var random = new Random(seed);
        var network = NetworkBuilder.SmallClassifier().BuildGraph();
        foreach (var start in Harness.Candidates(network, bits).Items)
        {
            float[] weights = TensorData.ReadSingles(network.File, network.Initializers[start.Layer.Weight]);
            var layer = new LearnedRounding(start, weights);
            Assert.Equal(start.Codes, layer.Rounded().Codes);
            for (int number = 1; number <= 60; number++)
            {
                layer.Weights();
                float[] gradient = [.. weights.Select(_ => MathF.Pow(10, size) * (random.NextSingle() - 0.5f))];
                if (number == 50)
                {
                    layer.Decide();
                }
                layer.Step(gradient, [], new(number, 49, 1, 3f * number / 60));
            }
            var now = layer.Rounded();
            Assert.All(now.Codes, code => Assert.InRange(code, Grid.Lowest(bits), Grid.Highest(bits)));
            Assert.All(now.Scales, scale => Assert.True(scale > 0 && float.IsFinite(scale)));
            if (KernelPairs.Of(start.Layer, bits) is { } pairs)
            {
                sbyte[] limited = [.. now.Codes];
                new LayerRows(start.Layer, new float[now.Codes.Length]).Limit(pairs, limited);
                Assert.Equal(limited, now.Codes);
            }
            else
            {
                Assert.All(now.Codes.Zip(start.Codes), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
            }
        }
    }, iter: 10);

    /// <summary>Residual blocks stay whole; layers in a row are joined up to where the tensor is narrow, and no more than four.</summary>
    [Fact]
    public void BlocksEndWhereOneNarrowTensorLives()
    {
        var network = new NetworkBuilder(input: [3, 8, 8]);
        void Conv(string name, long from, long to) => network.Then(
            "Conv", name, [network.Weight($"{name}.w", to, from, 1, 1)]);
        // An inverted residual without its skip, one with it, and six layers of one width.
        Conv("wide", 3, 12);
        Conv("deep", 12, 12);
        Conv("narrow", 12, 4);
        Conv("up", 4, 16);
        Conv("down", 16, 4);
        network.Then("Add", "sum", ["narrow"]);
        foreach (string name in (string[])["a", "b", "c"])
        {
            Conv(name, 4, 4);
        }
        var graph = network.BuildGraph(network.Last);
        var layers = LayerFinder.Find(graph).Layers;
        var blocks = TunedBlock.Of(graph, graph, Readout.Of(graph), layers);
        Assert.Equal(Enumerable.Range(0, layers.Count), blocks.SelectMany(block => block.Layers));
        Assert.Equal(["x", .. blocks.SkipLast(1).SelectMany(block => block.To)], blocks.Select(block => block.From));
        Assert.Equal("wide.w deep.w narrow.w", Names(blocks[0]));
        Assert.Equal("up.w down.w", Names(blocks[1]));
        Assert.Equal(["sum"], blocks[1].To);
        Assert.Equal(["a.w", "b.w", "c.w"], blocks.Skip(2).Select(Names));

        string Names(TunedBlock block) => string.Join(' ', block.Layers.Select(layer => layers[layer].Weight));
    }

    private static float[] Scaled(Candidate candidate, float factor) => [.. candidate.Dequantize().Select(w => factor * w)];

    /// <summary>The error of the last block behind the others as they were rounded, on images held back.</summary>
    private static double ErrorOfStart(TuningTask task, BlockTuning tuning)
    {
        var graph = LocalFunctions.Inlined(task.Network);
        var importance = OutputImportance.Of(task, tuning.Blocks[^1].To, task.Images);
        using var images = new BlockImages(task.Graph, tuning.Blocks, task.HeldBack);
        var start = FakeQuantizedGraph.Of(graph, task.Start);
        foreach (var _ in tuning.Blocks)
        {
            images.Advance(start);
        }
        using var network = new BlockNetwork(start, tuning.Blocks[^1], task.Tuned, importance);
        using var values = TensorFeed.Constants(
            tuning.Blocks[^1].Layers.Select(layer => task.Tuned[layer]).Select(c => (c, c.Dequantize(), c.Bias)));
        return Enumerable.Range(0, images.Count).Average(image => network.Error(images.Batch([image]), values));
    }

    private static BlockState? Read(byte[] file, TuningTask task, int blocks) =>
        BlockFile.Read(new MemoryStream(file), "key", task.Tuned, blocks);

    private static byte[] Written(BlockState state)
    {
        using var stream = new MemoryStream();
        BlockFile.Of(state, "key").Write(stream);
        return stream.ToArray();
    }

    private static TuningTask Task(TemporaryFolder folder, int threads, bool rounded = false, long? memory = null)
    {
        var task = NetworkTuningTests.Task(folder, threads, rounded) with { Epochs = Epochs };
        if (memory is null)
        {
            return task;
        }
        Workload Small(Workload work) => work with { Resources = work.Resources with { MemoryBytes = memory.Value } };
        return task with { Images = Small(task.Images), HeldBack = Small(task.HeldBack) };
    }
}
