using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado.Losses;

/// <summary>Finds the units in which errors of a network's outputs are measured (docs/method.md, "Units of mse").</summary>
internal static class ScaleMeasurement
{
    /// <summary>Measures: one pass of the network over the images.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="work">All images of the run.</param>
    /// <returns>The units of each output. Shape: [outputs].</returns>
    /// <exception cref="CladoException">An output is NaN or infinite.</exception>
    public static IReadOnlyList<OutputScale> Measure(Graph graph, Workload work)
    {
        var readout = Readout.Of(graph);
        using var network = new ModelRunner(graph, readout, OutputSource.Float(graph.File), provider: work.Provider);
        return Measure(graph, network, work);
    }

    /// <summary>The same with a network that is ready to run.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="network">What runs it.</param>
    /// <param name="work">All images of the run.</param>
    /// <returns>The units of each output. Shape: [outputs].</returns>
    /// <exception cref="CladoException">An output is NaN or infinite.</exception>
    public static IReadOnlyList<OutputScale> Measure(Graph graph, ModelRunner network, Workload work)
    {
        var readout = network.Readout;
        var moments = Moments(graph, network, work);
        double[] variances = moments.Variances();
        int from = 0;
        return [.. readout.Outputs.Zip(readout.ElementCounts, (name, count) =>
        {
            var own = new Range(from, from += count);
            int[] shape = [.. graph.Tensors[name].Shape.Select(d => checked((int)d))];
            return Of(name, shape, moments.Means[own], variances[own], moments.ImageCount);
        })];
    }

    /// <summary>Mean and variance of every element of the outputs.</summary>
    private static OutputMoments Moments(Graph graph, ModelRunner network, Workload work)
    {
        int size = network.Readout.ElementCount;
        var moments = new OutputMoments(size);
        var batches = work.Batches(graph, BatchSize.Of(graph, work.Provider));
        var done = new WorkProgress(work.Images.Items.Count, work.Progress);
        for (int start = 0; start < batches.Count; start += work.Threads)
        {
            var wave = new float[Math.Min(work.Threads, batches.Count - start)][];
            work.SideBySide.For(wave.Length, i => wave[i] = network.Run(batches.Load(start + i)));
            // Images are added one by one in their order: neither threads nor batches change a bit.
            foreach (var outputs in wave)
            {
                moments.Add(outputs);
                done.Add(outputs.Length / (double)size);
            }
        }
        return moments;
    }

    /// <summary>The units of one output.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its dimensions for one image. Shape: [rank].</param>
    /// <param name="means">Mean of each element over the images. Shape: [elements].</param>
    /// <param name="variances">Variance of each element over the images. Shape: [elements].</param>
    /// <param name="images">Number of images. Range: [1, inf).</param>
    internal static OutputScale Of(string name, IReadOnlyList<int> shape, double[] means, double[] variances, int images)
    {
        var whole = new OutputParts(shape, []);
        if (images == 1 && means.Length > 0)
        {
            // One image does not say what images change: the output is one part, and its elements stand for images.
            double mean = means.Average();
            return new OutputScale(name, whole, [Positive(means.Average(m => (m - mean) * (m - mean)))]);
        }
        var parts = means.Length == 0 ? whole : new PartFinder(shape, means, variances, images).Find();
        var cells = new Cells(parts.Count);
        for (int element = 0; element < means.Length; element++)
        {
            cells.Add(parts.Of(element), means[element], variances[element]);
        }
        double[] units = cells.Scales();
        double constant = Cells.ConstantBelow(units), unknown = Positive(units.Average());
        // A part that is zero on all images has no unit of its own, and gets that of the whole output.
        return new OutputScale(name, parts, [.. units.Select(unit => unit > constant ? unit : unknown)]);
    }

    private static double Positive(double variance) => variance > 0 ? variance : 1;
}
