using System.Net;
using Clado.Cluster.Contract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Clustering.Redis;
using Orleans.Configuration;
using Orleans.Connections.Security;
using Orleans.Runtime.Hosting;
using StackExchange.Redis;
using static System.FormattableString;

namespace Clado.Cluster;

/// <summary>A cluster as Orleans is told of it: where machines find each other, and how they know each other.</summary>
internal sealed class ClusterPlace
{
    private const string DefaultName = "default";

    // A silent machine is asked so often before it counts as gone.
    private const int Probes = 3;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly ClusterOptions options;
    private readonly ClusterSecret secret;
    private readonly ConfigurationOptions redis;
    private readonly string id;

    /// <summary>Reads where it is.</summary>
    /// <param name="options">The cluster.</param>
    /// <exception cref="CladoException">The address or the secret is none.</exception>
    public ClusterPlace(ClusterOptions options)
    {
        this.options = options;
        var problem = $"{Settings.Cluster} {options.Url}: redis://[user:password@]host[:port][/name] is wanted, or rediss:// over TLS";
        if (!Uri.TryCreate(options.Url, UriKind.Absolute, out var url) || url.Scheme is not ("redis" or "rediss") || url.Host.Length == 0)
        {
            throw new CladoException(problem);
        }
        secret = ClusterSecret.Read(options.SecretFile);
        var name = url.AbsolutePath.Trim('/') is { Length: > 0 } path ? path : DefaultName;
        id = $"{name}-{secret.Id}";
        Address = url.IsDefaultPort || url.Port < 0 ? url.Host : Invariant($"{url.Host}:{url.Port}");
        redis = new ConfigurationOptions
        {
            EndPoints = { { url.Host, url.Port > 0 ? url.Port : 6379 } },
            Ssl = url.Scheme == "rediss",
            AbortOnConnectFail = false,
            ConnectTimeout = (int)ConnectTimeout.TotalMilliseconds,
        };
        string[] user = [.. url.UserInfo.Split(':', 2).Select(Uri.UnescapeDataString)];
        (redis.User, redis.Password) = user is [var own, var password] ? (own.Length > 0 ? own : null, password) : (null, null);
    }

    /// <summary>Host and port of the server.</summary>
    public string Address { get; }

    /// <summary>Silence after which a machine counts as gone.</summary>
    public TimeSpan FailureTimeout => options.FailureTimeout;

    /// <summary>Looks whether the server is there.</summary>
    /// <exception cref="CladoException">It is not, or lets nobody in.</exception>
    public void CheckServer()
    {
        try
        {
            var once = redis.Clone();
            once.AbortOnConnectFail = true;
            using var connection = ConnectionMultiplexer.Connect(once);
            connection.GetDatabase().Ping();
        }
        catch (RedisException e)
        {
            string[] marks = ["NOAUTH", "WRONGPASS", "AuthenticationFailure"];
            bool isLocked = marks.Any(mark => e.Message.Contains(mark, StringComparison.Ordinal));
            throw new CladoException($"{Settings.Cluster}: " + (isLocked
                ? $"the Redis server at {Address} wants a password: redis://:PASSWORD@{Address}"
                : $"no Redis server answers at {Address}; start one with redis-server, or give another address"), e);
        }
    }

    /// <summary>A silo that takes part.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="port">Its port for other silos; that for coordinators is the next one.</param>
    /// <param name="services">Adds what its grains want.</param>
    public IHost Silo(IPAddress address, int port, Action<IServiceCollection> services)
    {
        var builder = Builder();
        builder.UseOrleans(silo =>
        {
            silo.UseRedisClustering(Redis);
            silo.UseTls(secret.Certificate, Tls);
            silo.Configure<Orleans.Configuration.ClusterOptions>(Name);
            silo.Configure<EndpointOptions>(own =>
            {
                (own.AdvertisedIPAddress, own.SiloPort, own.GatewayPort) = (address, port, port + 1);
                own.SiloListeningEndpoint = new IPEndPoint(address, port);
                own.GatewayListeningEndpoint = new IPEndPoint(address, port + 1);
            });
            silo.Configure<ClusterMembershipOptions>(Liveness);
            silo.Configure<SiloMessagingOptions>(own => own.ResponseTimeout = own.SystemResponseTimeout = FailureTimeout);
            silo.AddGrainDirectory(OwnSiloDirectory.Name, (_, _) => new OwnSiloDirectory());
            silo.Services.AddPlacementDirector<OwnSilo, OwnSiloDirector>();
            services(silo.Services);
        });
        return builder.Build();
    }

    /// <summary>A coordinator: it calls silos, and nobody calls it.</summary>
    public IHost Client()
    {
        var builder = Builder();
        builder.UseOrleansClient(client =>
        {
            client.UseRedisClustering(Redis);
            client.UseTls(secret.Certificate, Tls);
            client.Configure<Orleans.Configuration.ClusterOptions>(Name);
            client.Configure<GatewayOptions>(own => own.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
            client.Configure<ClientMessagingOptions>(own => own.ResponseTimeout = FailureTimeout);
            client.UseConnectionRetryFilter(async (_, cancellation) =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(300), cancellation);
                return true;
            });
        });
        return builder.Build();
    }

    private static HostApplicationBuilder Builder()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true });
        // What is to be said is said by us; this is for whoever looks for a defect.
        if (Environment.GetEnvironmentVariable("CLADO_TRACE") == "1")
        {
            builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        }
        return builder;
    }

    private void Redis(RedisClusteringOptions own) => own.ConfigurationOptions = redis.Clone();

    private void Name(Orleans.Configuration.ClusterOptions own) => (own.ServiceId, own.ClusterId) = ("clado", id);

    private void Tls(TlsOptions own)
    {
        own.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        own.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        own.LocalClientCertificateSelector = (_, _, _, _, _) => secret.Certificate;
        own.RemoteCertificateValidation = (certificate, _, _) => secret.IsOwn(certificate);
        own.OnAuthenticateAsClient = (_, ssl) => ssl.TargetHost = "clado";
    }

    private void Liveness(ClusterMembershipOptions own)
    {
        own.NumMissedProbesLimit = Probes;
        // Of several that end at once, a single one may be left to say so. Who is declared dead and is not joins again.
        own.NumVotesForDeathDeclaration = 1;
        // Where the others are gone too, nobody is there to ask whether they see it.
        own.EnableIndirectProbes = false;
        // Where all are gone, whoever joins has nobody to hear it from but the server.
        own.IAmAliveTablePublishTimeout = FailureTimeout / own.NumMissedTableIAmAliveLimit;
        own.ProbeTimeout = FailureTimeout / Probes;
        own.TableRefreshTimeout = FailureTimeout;
        own.DefunctSiloExpiration = TimeSpan.FromMinutes(10);
        own.DefunctSiloCleanupPeriod = TimeSpan.FromMinutes(1);
        own.MaxJoinAttemptTime = TimeSpan.FromMinutes(1);
    }
}
