using static System.FormattableString;

namespace Clado.Cluster;

/// <summary>Where a cluster is, and what shows that one belongs to it.</summary>
public sealed record ClusterOptions
{
    /// <summary>Silence after which a machine counts as gone, where nothing is said.</summary>
    public static readonly TimeSpan DefaultFailureTimeout = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromHours(1);

    /// <summary>
    /// Where the machines find each other: a Redis server, <c>redis://[user:password@]host[:port][/name]</c>, or <c>rediss://</c> over TLS.
    /// Clusters of other names do not see each other.
    /// </summary>
    public required string Url { get; init; }

    /// <summary>Path of a file with the secret that all machines of the cluster have: at least 32 characters, drawn at random.</summary>
    public required string SecretFile { get; init; }

    /// <summary>Silence after which a machine counts as gone, and what it had to do is given to others. Range: [1 s, 1 h].</summary>
    public TimeSpan FailureTimeout
    {
        get;
        init => field = value >= Shortest && value <= Longest
            ? value
            : throw new CladoException(Invariant($"{Settings.FailureTimeout} {value.TotalSeconds}: ")
                + Invariant($"{Shortest.TotalSeconds} to {Longest.TotalSeconds} seconds are wanted"));
    } = DefaultFailureTimeout;
}
