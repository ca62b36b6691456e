using Clado.Candidates;
using Clado.Execution;
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
        string[] keys = [.. choices.Select(choice => $"{inputs.Part}joint/{MeasurementInputs.KeyOf(choice)}")];
        var found = new Dictionary<string, double[]>();
        foreach (var key in keys.Where(key => !found.ContainsKey(key)))
        {
            if (records.Find<double>(key, inputs.Work.Images.Items.Count) is { } known)
            {
                found.Add(key, known);
            }
        }
        var (together, batchSize) = MemoryPlan.OfWhole(inputs.Graph, inputs.Work.MemoryBytes, inputs.Work.Provider);
        inputs.Work.Ledger?.AddNetworks(keys, inputs.Work.Images.Items.Count, together);
        var missing = keys.Zip(choices).Where(p => !found.ContainsKey(p.First)).DistinctBy(p => p.First).ToArray();
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
        var losses = new NetworkLosses(graph, loss, inputs.Scales, workload);
        var source = OutputSource.Quantized(graph.File);
        using var networks = new OwnedList<ModelRunner>(choices.Select(choice =>
            losses.Runner(FakeQuantizedGraph.Of(graph, choice.Select(row => candidates.Items[row])), source)));
        return losses.Measure(networks, batchSize, work);
    }
}
