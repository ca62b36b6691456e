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
        using var network = new NetworkOutputs(graph, readout, OutputSource.Float(graph.File));
        return Measure(graph, readout, network.Run, work);
    }

    /// <summary>The same with outputs of any making.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="run">Gives the outputs of a batch; called from several threads. Shape: [images · outputs].</param>
    /// <param name="workload">The images.</param>
    public static IReadOnlyList<OutputScale> Measure(Graph graph, Readout readout, Func<ImageBatch, float[]> run, Workload workload)
    {
        int threads = workload.Threads;
        var moments = new OutputMoments(readout.ElementCount);
        var batches = workload.Batches(graph, BatchSize.Of(graph));
        var work = new WorkProgress(workload.Images.Items.Count, workload.Progress);
        for (int start = 0; start < batches.Count; start += threads)
        {
            var wave = new float[Math.Min(threads, batches.Count - start)][];
            workload.SideBySide.For(wave.Length, i => wave[i] = run(batches.Load(start + i)));
            // Images are added one by one in their order: neither threads nor batches change a bit.
            foreach (var outputs in wave)
            {
                moments.Add(outputs);
                work.Add(outputs.Length / (double)readout.ElementCount);
            }
        }
        int from = 0;
        double[] variances = moments.Variances();
        return [.. readout.Outputs.Zip(readout.ElementCounts, (name, count) =>
        {
            var own = new Range(from, from += count);
            int[] shape = [.. graph.Tensors[name].Shape.Select(d => checked((int)d))];
            return Of(name, shape, moments.Means[own], variances[own], moments.ImageCount);
        })];
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
