using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Losses;

namespace Clado.Tuning;

/// <summary>What is tuned, and on what.</summary>
/// <param name="Graph">The float network, whose answers are the aim.</param>
/// <param name="Network">The network that codes run in: the same, or the one with rounded activations.</param>
/// <param name="Start">The candidates to begin with. Shape: [layers].</param>
/// <param name="Images">Images to tune on.</param>
/// <param name="HeldBack">Images that nothing of <paramref name="Start"/> was fitted to: they say which epoch is the best.</param>
internal sealed record TuningTask(Graph Graph, Graph Network, IReadOnlyList<Candidate> Start, Workload Images, Workload HeldBack)
{
    /// <summary>Name of the loss.</summary>
    public required string Loss { get; init; }

    /// <summary>Times that every image is seen. Range: [1, inf).</summary>
    public int Epochs { get; init; } = NetworkTuning.Epochs;

    /// <summary>Units of the outputs; null where the loss needs none. Shape: [outputs].</summary>
    public IReadOnlyList<OutputScale>? Scales { get; init; }

    /// <summary>
    /// The candidates that are tuned: whose inputs are images' and not places in a table, whose weights are not on their grid already, and
    /// whose rows have one width.
    /// Shape: [tuned layers].
    /// </summary>
    public IReadOnlyList<Candidate> Tuned => [.. Start.Where(IsTuned)];

    /// <summary>All candidates, with those that are tuned replaced.</summary>
    /// <param name="tuned">Shape: [tuned layers].</param>
    /// <returns>Shape: [layers].</returns>
    public IReadOnlyList<Candidate> With(IReadOnlyList<Candidate> tuned)
    {
        var next = new Queue<Candidate>(tuned);
        return [.. Start.Select(candidate => IsTuned(candidate) ? next.Dequeue() : candidate)];
    }

    /// <summary>Names what comes out: the network, the beginning, the loss and the epochs; images are those of a run folder.</summary>
    public string Key()
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string epochs = Epochs == NetworkTuning.Epochs ? "" : FormattableString.Invariant($" {Epochs}");
        sha.AppendData(Encoding.UTF8.GetBytes($"{ModelHash.Compute(Network.Model)} {Loss}{epochs}"));
        foreach (var candidate in Start)
        {
            sha.AppendData(MemoryMarshal.AsBytes(candidate.Codes.AsSpan()));
            sha.AppendData(MemoryMarshal.AsBytes(candidate.Scales.AsSpan()));
            sha.AppendData(MemoryMarshal.AsBytes((candidate.Bias ?? []).AsSpan()));
        }
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    private static bool IsTuned(Candidate candidate) =>
        candidate.Layer.HasKnownInputs && candidate.SquaredError > 0 && candidate.RowBits is null;
}
