using Clado.Candidates;
using Clado.Graphs;
using Clado.Layers;
using Clado.Sensitivity;

namespace Clado;

/// <summary>What measuring gives.</summary>
/// <param name="Space">The network and its layers.</param>
/// <param name="Network">
/// The network whose losses were measured: the same, or the same with its activations rounded.
/// It is made when something is measured around a choice.
/// </param>
/// <param name="Candidates">The rows of the matrix.</param>
/// <param name="Sensitivity">The matrix.</param>
internal sealed record MeasuredNetwork(SearchSpace Space, Lazy<Graph> Network, CandidateSet Candidates, SensitivityMatrix Sensitivity);
