using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Inference;
using Clado.Losses;
using Clado.Records;

namespace Clado.Sensitivity;

/// <summary>Loss of whole choices on the network itself: what every surrogate is judged by.</summary>
internal static class JointLoss
{
    /// <summary>Measures choices.</summary>
    /// <param name="inputs">What is measured.</param>
    /// <param name="choices">Rows of each choice's candidates. Shape: [choices][layers].</param>
    /// <param name="loss">Name of the loss; null to choose by the network.</param>
    /// <param name="records">Finished choices: read and added to.</param>
    /// <returns>Loss increase over the float network of every image. Shape: [choices][images].</returns>
    public static double[][] Measure(
        MeasurementInputs inputs, IReadOnlyList<IReadOnlyList<int>> choices, string? loss, IRecordStore records)
    {
        string[] keys = [.. choices.Select(choice => "joint/" + MeasurementInputs.KeyOf(choice))];
        var found = new Dictionary<string, double[]>();
        foreach (var key in keys.Where(key => !found.ContainsKey(key)))
        {
            if (records.Find<double>(key, inputs.Work.Images.Items.Count) is { } known)
            {
                found.Add(key, known);
            }
        }
        var missing = keys.Zip(choices).Where(p => !found.ContainsKey(p.First)).DistinctBy(p => p.First).ToArray();
        var (together, batchSize) = MemoryPlan.OfWhole(inputs.Graph, inputs.Work.Resources.MemoryBytes);
        var work = new WorkProgress(missing.Length * inputs.Work.Images.Items.Count, inputs.Work.Progress);
        foreach (var group in missing.Chunk(together))
        {
            foreach (var (pair, increases) in group.Zip(Run(inputs, [.. group.Select(p => p.Second)], batchSize, loss, work)))
            {
                found.Add(pair.First, records.GetOrAdd(pair.First, () => increases, increases.Length));
            }
        }
        return [.. keys.Select(key => found[key])];
    }

    private static double[][] Run(
        MeasurementInputs inputs, IReadOnlyList<int>[] choices, int batchSize, string? loss, WorkProgress work)
    {
        var (graph, candidates, workload) = inputs;
        var images = workload.Images;
        var readout = Readout.Of(graph);
        var losses = new LossFactory(graph, readout, images, loss, inputs.Scales);
        using var reference = new ModelRunner(graph, readout, OutputSource.Float(graph.File));
        var source = OutputSource.Quantized(graph.File);
        using var networks = new OwnedList<ModelRunner>(choices.Select(choice =>
            new ModelRunner(FakeQuantizedGraph.Of(graph, choice.Select(row => candidates.Items[row])), readout, source)));
        var increases = choices.Select(_ => new double[images.Items.Count]).ToArray();
        var batches = workload.Batches(graph, batchSize);
        workload.SideBySide.For(batches.Count, index =>
        {
            var batch = batches.Load(index);
            var outputs = reference.Run(batch);
            var increase = losses.Create(outputs, outputs, batch);
            for (int i = 0; i < networks.Count; i++)
            {
                var shift = networks[i].Run(batch);
                TensorPrimitives.Subtract(shift, outputs, shift);
                increase.Increases(shift, readout.ElementCount).CopyTo(increases[i].AsSpan(index * batches.BatchSize));
                work.Add(batch.Count);
            }
        });
        return increases;
    }
}
