using System.Net;
using Clado.Execution;
using Clado.Runs;
using static System.FormattableString;

namespace Clado.Cluster;

/// <summary>What a worker may take of its machine, and where others find it.</summary>
public sealed record WorkerOptions
{
    /// <summary>The cluster it belongs to.</summary>
    public required ClusterOptions Cluster { get; init; }

    /// <summary>
    /// Address of this machine that the others reach it by, and that it listens on. Default: the loopback, which this machine alone
    /// reaches.
    /// </summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>
    /// The first of the two ports it listens on; null for two that are free. Range: [1, 65534].
    /// </summary>
    public int? Port
    {
        get;
        init => field = value is null or (>= 1 and <= 65534)
            ? value
            : throw new CladoException(Invariant($"{Settings.Port} {value}: 1 to 65534 are wanted, since the next one is taken too"));
    }

    /// <summary>Threads and memory.</summary>
    public Resources Resources { get; init; } = new();

    /// <summary>Longest time of a run of a network on a batch of images.</summary>
    public TimeSpan RunTimeout { get; init; } = RunLimit.DefaultTimeout;

    /// <summary>Folder where models, candidates and images are kept; several workers may share it. null for one of the user's.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Bytes that are kept there where nothing is said.</summary>
    public const long DefaultCacheBytes = 10L << 30;

    /// <summary>Bytes that are kept there at most. Range: [1, inf).</summary>
    public long CacheBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = DefaultCacheBytes;

    /// <summary>Folder where files are kept where nothing is said.</summary>
    internal static string DefaultCacheFolder
    {
        get
        {
            var home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } given ? given
                : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } user ? Path.Combine(user, ".cache")
                : Path.GetTempPath();
            return Path.Combine(home, "clado");
        }
    }

    /// <summary>Versions that this machine says it has; only tests say others.</summary>
    internal string Version { get; init; } = OwnVersion;

    /// <summary>The kind of processor that this machine says it has; only tests say another.</summary>
    internal string Processor { get; init; } = ProcessorKind.Own;

    /// <summary>Versions of Clado and ONNX Runtime.</summary>
    internal static string OwnVersion { get; } = $"{RunDescription.Version} with ONNX Runtime {OrtRuntime.Version}";
}
