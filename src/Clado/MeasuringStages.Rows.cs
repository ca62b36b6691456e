using Clado.Candidates;
using Clado.Graphs;
using Clado.Losses;
using Clado.Packing;
using Clado.Sensitivity;

namespace Clado;

/// <content>Rows that have widths of their own.</content>
internal sealed partial class MeasuringStages
{
    /// <summary>The candidates, and where rows may have widths of their own, those of mixed widths with them.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="network">The network whose losses are measured.</param>
    /// <param name="candidates">Every layer at each of its widths.</param>
    /// <param name="scales">Units of the outputs. Shape: [outputs].</param>
    public CandidateSet Mix(Graph graph, Graph network, CandidateSet candidates, IReadOnlyList<OutputScale>? scales)
    {
        if (!options.MixesRows)
        {
            return candidates;
        }
        var mixtures = folder.ReadMixtures(candidates);
        if (mixtures is null)
        {
            mixtures = RowMixtures.Choose(graph, candidates, MeasureRows(network, candidates, scales));
            folder.WriteMixtures(mixtures, candidates);
        }
        var all = MixedCandidates.Add(graph, candidates, mixtures).WrittenFor(graph);
        folder.WriteTable(all);
        return all;
    }

    private ChannelSensitivities MeasureRows(Graph network, CandidateSet candidates, IReadOnlyList<OutputScale>? scales)
    {
        var rows = folder.ReadRows(candidates);
        if (rows is null)
        {
            var work = On(StageNames.Rows) with { Images = options.Sensitivity.Seen(prepared.Images), Provider = options.Provider };
            var inputs = new MeasurementInputs(network, candidates, work) { Scales = scales, Rows = true, Part = "rows/" };
            using var records = folder.OpenRecords(mustKeep: true);
            rows = SensitivityMeasurement.Measure(inputs, [], options.Sensitivity with { Estimator = "fisher" }, records).Channels!;
            folder.WriteRows(rows, candidates);
        }
        return rows;
    }
}
