using System.CommandLine;
using Clado.Cli.Commands;
using Clado.Cluster;

namespace Clado.Cli.Options;

/// <summary>Where a cluster is, and what shows that one belongs to it.</summary>
/// <param name="required">Whether there must be one.</param>
internal sealed class ClusterPlaceOptions(bool required)
{
    private readonly Option<string?> cluster = new("--cluster")
    {
        Description = (required
            ? "The Redis server where machines find each other: " : "Measure sensitivities on the workers of a cluster: ")
            + "redis://[:password@]host[:port][/name], or rediss:// over TLS (docs/cluster.md)",
        HelpName = "URL",
        Required = required,
    };

    private readonly Option<string?> secret = new("--cluster-secret")
    {
        Description = "File with the secret that all machines of the cluster have "
            + "(default: what CLADO_CLUSTER_SECRET names, or .clado-secret in the home folder)",
        HelpName = "FILE",
    };

    private readonly Option<double> failureTimeout = new("--failure-timeout")
    {
        Description = "Seconds of silence after which a machine of the cluster counts as gone, and its work is given to others",
        DefaultValueFactory = _ => 15,
        CustomParser = CommonOptions.Number,
    };

    public void AddTo(Verb command) => command.Add(OptionGroup.Measuring, cluster, secret, failureTimeout);

    /// <summary>Whether there is one.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(cluster) is not null;

    /// <summary>The cluster; only asked for where there is one, since nothing else has to load what it takes.</summary>
    public ClusterOptions Read(ParseResult parsed)
    {
        double seconds = parsed.GetValue(failureTimeout);
        return new ClusterOptions
        {
            Url = parsed.GetRequiredValue(cluster)!,
            SecretFile = parsed.GetValue(secret) ?? DefaultSecret,
            FailureTimeout = double.IsFinite(seconds) && Math.Abs(seconds) < int.MaxValue ? TimeSpan.FromSeconds(seconds) : TimeSpan.Zero,
        };
    }

    private static string DefaultSecret => Environment.GetEnvironmentVariable("CLADO_CLUSTER_SECRET") is { Length: > 0 } path
        ? path : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".clado-secret");
}
