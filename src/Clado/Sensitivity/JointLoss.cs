using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Runs;

namespace Clado.Sensitivity;

/// <summary>Loss of whole choices on the network itself: what every surrogate is judged by.</summary>
internal static class JointLoss
{
    // Sessions of several choices share the decoding of a batch and its float pass.
    private const int ChoicesAtOnce = 8;

    /// <summary>Measures choices.</summary>
    /// <param name="inputs">What is measured.</param>
    /// <param name="choices">Rows of each choice's candidates. Shape: [choices][layers].</param>
    /// <param name="options">Loss, threads and memory.</param>
    /// <param name="records">Finished choices: read and added to.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>Loss increase over the float network of every image. Shape: [choices][images].</returns>
    public static double[][] Measure(
        MeasurementInputs inputs, IReadOnlyList<IReadOnlyList<int>> choices, SensitivityOptions options, RecordStore records, CancellationToken cancellation)
    {
        string[] keys = [.. choices.Select(choice => "joint/" + MeasurementInputs.KeyOf(choice))];
        var found = new Dictionary<string, double[]>();
        foreach (var key in keys.Where(key => !found.ContainsKey(key)))
        {
            if (records.Find<double>(key) is { } known)
            {
                found.Add(key, known);
            }
        }
        var missing = keys.Zip(choices).Where(p => !found.ContainsKey(p.First)).DistinctBy(p => p.First).ToArray();
        foreach (var group in missing.Chunk(ChoicesAtOnce))
        {
            foreach (var (pair, increases) in group.Zip(Run(inputs, [.. group.Select(p => p.Second)], options, records, cancellation)))
            {
                found.Add(pair.First, records.GetOrAdd(pair.First, () => increases));
            }
        }
        return [.. keys.Select(key => found[key])];
    }

    private static double[][] Run(
        MeasurementInputs inputs, IReadOnlyList<int>[] choices, SensitivityOptions options, RecordStore records, CancellationToken cancellation)
    {
        var (graph, candidates, images, preprocessing) = inputs;
        var readout = Readout.Of(graph);
        var losses = new LossFactory(graph, readout, images, options.Loss);
        using var reference = new NetworkOutputs(graph, readout);
        var networks = choices.Select(choice => new NetworkOutputs(QuantizedGraph.Of(graph, choice.Select(row => candidates.Items[row])), readout)).ToArray();
        var increases = choices.Select(_ => new double[images.Items.Count]).ToArray();
        var batches = new ImageBatches(images, graph, preprocessing, MemoryPlan.FastBatchOf(graph.Tensors.Values.Sum(t => t.ElementCount)));
        void Measure(int index)
        {
            var batch = batches.Load(index);
            var outputs = reference.Run(batch);
            var loss = losses.Create(outputs, outputs, batch, records);
            for (int i = 0; i < networks.Length; i++)
            {
                var shift = networks[i].Run(batch);
                TensorPrimitives.Subtract(shift, outputs, shift);
                loss.Increases(shift, readout.ElementCount).CopyTo(increases[i].AsSpan(index * batches.BatchSize));
            }
        }

        // The first batch alone: it sets the output variances that a squared loss divides by, where they are not recorded yet.
        Measure(0);
        Parallel.For(1, batches.Count, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = cancellation }, Measure);
        foreach (var network in networks)
        {
            network.Dispose();
        }
        return increases;
    }
}
