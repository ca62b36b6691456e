using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Sensitivity;
using Microsoft.ML.OnnxRuntime;
using ChannelLayout = Clado.Images.ChannelLayout;

namespace Clado.Metrics;

/// <summary>
/// Images made of nothing but what a network says of those it was trained on (ZeroQ, arXiv 2001.00281, eq. 2): noise x, moved so that
/// <c>Σ ‖μ(x) − μ‖² + ‖σ(x) − σ‖²</c> over the normalizations falls, by Adam (arXiv 1412.6980).
/// </summary>
internal sealed class DistilledImages : IDisposable
{
    // The paper takes 500.
    internal const int Steps = 100;

    // Of the noise's deviation; the paper's 0.5 is of noise of deviation 1.
    private const double Rate = 0.5;

    // As Adam's authors give them.
    private const double MeanDecay = 0.9, SquareDecay = 0.999, Floor = 1e-8;

    private readonly Graph graph;
    private readonly IReadOnlyList<NormalizationStatistics> statistics;
    private readonly GraphSession forward, backward;
    private readonly string[] seeds;
    private readonly string gradient;

    /// <summary>Makes the sessions.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="statistics">Its statistics, at least one. Shape: [normalizations].</param>
    public DistilledImages(Graph graph, IReadOnlyList<NormalizationStatistics> statistics)
    {
        (this.graph, this.statistics) = (graph, statistics);
        var inlined = LocalFunctions.Inlined(graph);
        var names = GraphWalk.Names(inlined.Model.Graph);
        seeds = [.. statistics.Select((_, i) =>
        {
            string name = $"seed_{i}";
            while (!names.Add(name))
            {
                name += "_";
            }
            return name;
        })];
        var made = GradientGraph.Of(
            inlined, [.. statistics.Zip(seeds, (own, seed) => new Seed.Given(own.Tensor, seed))], [graph.Input]);
        gradient = made.Gradient(graph.Input);
        var (first, second) = ModelHalves.Of(inlined, made.Model, statistics.Select(own => own.Tensor));
        (forward, backward) = (new GraphSession(first, graph.File), new GraphSession(second, graph.File));
    }

    /// <summary>Noise in the network's own units: what pixels of any value, evenly spread, become.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="count">Images; 1 where the network takes one at a time.</param>
    public static ImageBatch Noise(Graph graph, Preprocessing preprocessing, int count)
    {
        var (random, shape) = (new Random(0), graph.InputShape.Of(graph.HasFreeBatch ? count : 1));
        var (image, made) = (ImageShape.Of(graph, preprocessing), preprocessing.For(graph.Inputs.TakesBytes));
        var pixels = new float[shape.Aggregate(1L, (product, dim) => product * dim)];
        for (int i = 0; i < pixels.Length; i++)
        {
            int channel = image.Layout == ChannelLayout.Nchw ? i / (image.Height * image.Width) % image.Channels : i % image.Channels;
            float Of(IReadOnlyList<float> values) => values[Math.Min(channel, values.Count - 1)];
            pixels[i] = ((random.NextSingle() * byte.MaxValue * made.Scale) - Of(made.Mean)) / Of(made.Std);
        }
        return new ImageBatch(0, graph.Inputs, pixels, shape, [], null);
    }

    /// <summary>Moves noise.</summary>
    /// <param name="noise">Where to begin.</param>
    /// <param name="steps">Steps.</param>
    /// <param name="report">Is told the share done. Range: [0, 1].</param>
    public ImageBatch Make(ImageBatch noise, int steps, Action<double> report)
    {
        float[] pixels = [.. noise.Pixels];
        double mean = pixels.Average(), rate = Rate * Math.Sqrt(pixels.Average(value => (value - mean) * (value - mean)));
        double[] means = new double[pixels.Length], squares = new double[pixels.Length];
        for (int step = 1; step <= steps; step++)
        {
            float[] slope = Slope(noise with { Pixels = pixels }).Gradient;
            // The rate falls along a half cosine.
            double own = rate * (1 + Math.Cos(Math.PI * (step - 1) / steps)) / 2;
            for (int i = 0; i < pixels.Length; i++)
            {
                means[i] = (MeanDecay * means[i]) + ((1 - MeanDecay) * slope[i]);
                squares[i] = (SquareDecay * squares[i]) + ((1 - SquareDecay) * slope[i] * slope[i]);
                double first = means[i] / (1 - Math.Pow(MeanDecay, step)), second = squares[i] / (1 - Math.Pow(SquareDecay, step));
                pixels[i] -= (float)(own * first / (Math.Sqrt(second) + Floor));
            }
            report((double)step / steps);
        }
        return noise with { Pixels = pixels };
    }

    /// <summary>The sum, and its gradient by the pixels. Shape of the gradient: [pixels].</summary>
    public (double Sum, float[] Gradient) Slope(ImageBatch batch)
    {
        using var feed = batch.Feed();
        using var outputs = forward.Run(feed);
        var values = feed.Concat(forward.Outputs.Zip(outputs, KeyValuePair.Create)).DistinctBy(pair => pair.Key).ToDictionary();
        double sum = 0;
        using var starts = new OwnedList<OrtValue>(statistics.Select(own =>
        {
            var (part, slope) = Difference(own, values[own.Tensor]);
            sum += part;
            return OrtValue.CreateTensorValueFromMemory(slope, values[own.Tensor].GetTensorTypeAndShape().Shape);
        }));
        foreach (var (name, value) in seeds.Zip(starts))
        {
            values[name] = value;
        }
        using var found = backward.Run(values);
        return (sum, backward.Outputs.Zip(found).First(own => own.First == gradient).Second.GetTensorDataAsSpan<float>().ToArray());
    }

    public void Dispose()
    {
        forward.Dispose();
        backward.Dispose();
    }

    /// <summary>‖μ(x) − μ‖² + ‖σ(x) − σ‖² of a tensor, and its gradient by that.</summary>
    private static (double Sum, float[] Slope) Difference(NormalizationStatistics statistics, OrtValue tensor)
    {
        var values = tensor.GetTensorDataAsSpan<float>();
        long[] shape = tensor.GetTensorTypeAndShape().Shape;
        int channels = (int)shape[1], places = (int)(shape[2] * shape[3]), count = values.Length / channels;
        var slope = new float[values.Length];
        double sum = 0;
        for (int channel = 0; channel < channels; channel++)
        {
            double total = 0, squares = 0;
            foreach (int i in Of(channel))
            {
                total += values[i];
                squares += (double)values[i] * values[i];
            }
            double mean = total / count, deviation = Math.Sqrt(Math.Max(0, (squares / count) - (mean * mean)));
            double meanGap = mean - statistics.Means[channel], deviationGap = deviation - statistics.Deviations[channel];
            sum += (meanGap * meanGap) + (deviationGap * deviationGap);
            foreach (int i in Of(channel))
            {
                double spread = deviation > 0 ? deviationGap * (values[i] - mean) / deviation : 0;
                slope[i] = (float)(2 * (meanGap + spread) / count);
            }
        }
        return (sum, slope);

        IEnumerable<int> Of(int channel) =>
            Enumerable.Range(0, count).Select(i => (((i / places * channels) + channel) * places) + (i % places));
    }
}
