using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>What losses are measured of.</summary>
/// <param name="Graph">The float network.</param>
/// <param name="Candidates">What its layers can be replaced by: the rows of the matrix.</param>
/// <param name="Work">Images to measure on.</param>
internal sealed record MeasurementInputs(Graph Graph, CandidateSet Candidates, Workload Work)
{
    /// <summary>Units of the outputs, which loss mse needs; null with the others. Shape: [outputs].</summary>
    public IReadOnlyList<OutputScale>? Scales { get; init; }

    /// <summary>
    /// Images a batch when sensitivities are measured, as the run was begun; null to choose what suits this machine. Range: [1, inf).
    /// </summary>
    public int? BatchSize { get; init; }

    /// <summary>
    /// Which of the run's images these are, as its records call them; empty for those that sensitivities are measured on.
    /// </summary>
    public string Part { get; init; } = "";

    /// <summary>Rows of candidates that are measured forward where the others are measured by gradients. Shape: [candidates].</summary>
    public IReadOnlyList<int> Forward { get; init; } = [];

    /// <summary>Whether rows (output channels) are measured too, by gradients.</summary>
    public bool Rows { get; init; }

    /// <summary>Name of a choice of candidates, for records. Shape of the rows: [layers].</summary>
    public static string KeyOf(IEnumerable<int> rows) => string.Join(',', rows);
}
