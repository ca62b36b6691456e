using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Losses;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado.Evaluation;

/// <summary>What corrected biases change and gain, activations in floats.</summary>
/// <param name="Layers">Layers whose bias was corrected. Range: [1, inf).</param>
/// <param name="LargestChange">The largest change of a bias, in its layer's output units.</param>
/// <param name="UncorrectedLoss">Loss increase with the biases that the float network has.</param>
/// <param name="CorrectedLoss">Loss increase with the corrected ones.</param>
public sealed record BiasEffect(int Layers, double LargestChange, double UncorrectedLoss, double CorrectedLoss)
{
    /// <summary>Measures a choice with the biases of the float network: a pass over the images, and one of the float network.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="correctedLoss">Gives the loss increase with its own biases.</param>
    /// <param name="scales">Units of the outputs, which loss mse needs; null with the others. Shape: [outputs].</param>
    /// <param name="loss">Name of the loss; null to choose by the network.</param>
    /// <param name="work">Images to measure on.</param>
    /// <returns>null where no bias was corrected.</returns>
    internal static BiasEffect? Measure(
        Graph graph, IReadOnlyList<Candidate> chosen, Func<double> correctedLoss, IReadOnlyList<OutputScale>? scales, string? loss,
        Workload work)
    {
        Candidate[] corrected = [.. chosen.Where(c => c.Bias is not null)];
        if (corrected.Length == 0)
        {
            return null;
        }
        var uncorrected = new CandidateSet([.. chosen.Select(c => c.Layer)], [.. chosen.Select(c => c with { Bias = null })]);
        using var records = new RecordStore();
        var inputs = new MeasurementInputs(graph, uncorrected, work) { Scales = scales };
        int[] rows = [.. Enumerable.Range(0, chosen.Count)];
        double uncorrectedLoss = JointLoss.Measure(inputs, [rows], loss, records)[0].Average();
        return new BiasEffect(corrected.Length, corrected.Max(c => LargestChangeOf(graph, c)), uncorrectedLoss, correctedLoss());
    }

    private static double LargestChangeOf(Graph graph, Candidate candidate)
    {
        var own = TensorData.ReadSingles(graph.File, graph.Initializers[candidate.Layer.Bias!]);
        return candidate.Bias!.Zip(own, (after, before) => Math.Abs((double)after - before)).Max();
    }
}
