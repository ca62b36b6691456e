using Clado.Activations;
using Clado.Allocation;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Rounding;

namespace Clado.Benchmarks;

/// <summary>What scales of 8 bits and biases of 16 lose on images that nothing was fitted to, and how fast files of them run.</summary>
internal static class FormsBenchmark
{
    private const int CalibrationImages = 512;
    private const int BatchSize = 16;

    /// <summary>Prints, at equal widths, the loss with any scales and biases, and with those that files have.</summary>
    /// <param name="name">Name of the network.</param>
    /// <param name="data">Folder of its images.</param>
    /// <param name="preprocess">How images become inputs.</param>
    /// <param name="tests">Test images at most.</param>
    /// <param name="widths">Bits of all layers. Shape: [widths].</param>
    /// <param name="roundings">Ways of rounding. Shape: [methods].</param>
    public static void Losses(string name, string data, string preprocess, int tests, int[] widths, string[] roundings)
    {
        var preprocessing = Preprocessing.Parse(preprocess);
        var any = SearchSpace.Of(Graph.Read(SharedInstances.Locate($"models/{name}.onnx")), widths, []);
        var compact = CompactForms.Of(any, keepsNames: false);
        var images = ImageFolder.Open(SharedInstances.Locate($"data/{data}/calibration")).Limit(CalibrationImages, 0);
        InputStatistics[] inputs = [.. InputMeasurement.Measure(any.Graph, any.Layers.Layers, new Workload(images, preprocessing))];
        var test = new Workload(ImageFolder.Open(SharedInstances.Locate($"data/{data}/test")).Limit(tests, 0), preprocessing);
        Console.WriteLine($"\n## {name}, {test.Images.Items.Count:N0} test images\n\n"
            + "| rounding | bits | any scales and biases | 8 and 16 bits | difference |\n|---|---|---|---|---|");
        foreach (var rounding in roundings.Select(RoundingMethods.Named))
        {
            CandidateSet Made(SearchSpace space) => CandidateMaker.Make(
                space.Graph, space.Layers.Layers, space.Widths, rounding, rounding.NeedsInputs ? inputs : null, Environment.ProcessorCount);
            var (free, coded) = (Made(any), Made(compact));
            foreach (int bits in widths)
            {
                var losses = new NetworkLosses(any.Graph, null, null, test);
                var source = OutputSource.Quantized(any.Graph.File);
                ModelRunner Runner(SearchSpace space, CandidateSet set) =>
                    losses.Runner(FakeQuantizedGraph.Of(space.Graph, set.Uniform(bits)), source);
                using var networks = new OwnedList<ModelRunner>(new[] { Runner(any, free), Runner(compact, coded) });
                double[][] found = losses.Measure(networks, BatchSize, null);
                var gain = LossGain.Of(found[1], found[0]);
                Console.WriteLine($"| {rounding.Name} | {bits} | {found[0].Average():0.00000} | {found[1].Average():0.00000} "
                    + $"| {-gain.Mean:+0.00000;−0.00000} ± {gain.StandardError:0.00000} |");
            }
        }
    }

    /// <summary>Prints times of files with 8-bit activations, against one of 8-bit weights as it was before.</summary>
    /// <param name="name">Name of the network.</param>
    public static void Speed(string name)
    {
        var folder = Directory.CreateTempSubdirectory("clado-forms-").FullName;
        var any = SearchSpace.Of(Graph.Read(SharedInstances.Locate($"models/{name}.onnx")), [2, 3, 4, 8], []);
        var compact = CompactForms.Of(any, keepsNames: false);
        CandidateSet Made(SearchSpace space) => CandidateMaker.Make(
            space.Graph, space.Layers.Layers, space.Widths, new NearestRounding(), null, Environment.ProcessorCount);
        var (free, coded) = (Made(any), Made(compact));
        string Written(SearchSpace space, IReadOnlyList<Candidate> chosen, string file)
        {
            var plan = ActivationPlan.Of(space.Graph, space.Layers.Layers);
            var path = Path.Combine(folder, file);
            // Time does not depend on them; a scale of 1 would be a factor that is left out.
            var ranges = new ActivationRanges(
                [.. Enumerable.Repeat(0.05f, plan.Ranges.Count)], [.. Enumerable.Repeat((byte)100, plan.Ranges.Count)]);
            OnnxFile.Write(ModelWriter.Build(space.Graph, chosen, new(plan, ranges)), path);
            return path;
        }
        string[] files =
        [
            Written(any, free.Uniform(8), "w8.onnx"), Written(compact, coded.Uniform(8), "small8.onnx"),
            Written(compact, coded.Uniform(3), "small3.onnx"), Written(compact, Mixed(compact.Graph, coded), "rows.onnx"),
        ];
        foreach (int batch in (int[])[1, BatchSize])
        {
            double[] times = LatencyMeasurement.Measure(files, 1, batch, runs: 51);
            Console.WriteLine($"| {name} | {(compact.Graph.HasFreeBatch ? batch : 1)} | {times[0]:0.00} "
                + $"| {string.Join(" | ", times.Skip(1).Select(time => $"{times[0] / time:0.00}"))} |");
        }
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Rows of 2, 3, 4 and 8 bits in turn, where a layer has rows.</summary>
    private static Candidate[] Mixed(Graph graph, CandidateSet candidates) =>
    [
        .. candidates.Items.GroupBy(candidate => candidate.Layer.Index).Select(own => own.ToArray()).Select(own =>
            own[0].Layer is { ChannelAxis: not null, Matrices: 1, ChannelCount: > 1 }
                ? MixedCandidates.Of(graph, own, InTurn(own))
                : own[0]),
    ];

    private static int[] InTurn(Candidate[] own) =>
        [.. Enumerable.Range(0, own[0].Layer.ChannelCount).Select(row => own[row % own.Length].Bits)];
}
