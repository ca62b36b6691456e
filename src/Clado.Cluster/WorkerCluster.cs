using System.Globalization;
using System.Net;
using System.Text.Json;
using Clado.Cluster.Contract;
using Clado.Cluster.Coordination;
using Clado.Execution;
using Clado.Records;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Messaging;
using static System.FormattableString;

namespace Clado.Cluster;

/// <summary>
/// The workers of a cluster as <see cref="Machines"/> that measure. Workers may come, go and hang at any moment: what they had to do is
/// given to others.
/// </summary>
public sealed class WorkerCluster : Machines, IUnitCrew
{
    // Parts of files under way at once, to all workers together.
    private const int MostParts = 8;

    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(0.1), Beat = TimeSpan.FromSeconds(1), Lonely = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    private readonly ClusterPlace place;
    private readonly IHost host;
    private readonly Action<string>? notice;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim parts = new(MostParts);
    private readonly Lock gate = new();
    private readonly Dictionary<string, WorkerLink> links = [];
    private readonly Task starting, watching;
    private DateTime lonelySince = DateTime.UtcNow, said = DateTime.MinValue;

    private WorkerCluster(ClusterPlace place, Action<string>? notice)
    {
        (this.place, this.notice, host) = (place, notice, place.Client());
        starting = Task.Run(() => host.StartAsync(stop.Token));
        watching = Task.Run(Watch);
    }

    /// <inheritdoc/>
    public override string? Status
    {
        get
        {
            lock (gate)
            {
                int count = UsableCount;
                return Board is { } board
                    ? Invariant($"{count} worker{(count == 1 ? "" : "s")}, {board.Pace.Rate:0.#} units/s") : null;
            }
        }
    }

    /// <summary>The task whose units are handed out; null where there is none.</summary>
    internal UnitBoard? Board { get; private set; }

    private int UsableCount
    {
        get
        {
            lock (gate)
            {
                return links.Values.Count(link => link.IsUsable);
            }
        }
    }

    /// <summary>Joins as a coordinator.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="notice">Is told what is to be said of workers, in sentences, from other threads.</param>
    /// <exception cref="CladoException">The server does not answer, or the options cannot be used.</exception>
    public static WorkerCluster Connect(ClusterOptions options, Action<string>? notice = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var place = new ClusterPlace(options);
        place.CheckServer();
        return new WorkerCluster(place, notice);
    }

    /// <summary>The workers that are there.</summary>
    /// <param name="options">The cluster.</param>
    /// <exception cref="CladoException">The server does not answer, or the options cannot be used.</exception>
    public static IReadOnlyList<WorkerInfo> Workers(ClusterOptions options)
    {
        using var cluster = Connect(options);
        cluster.starting.Wait(cluster.place.FailureTimeout);
        return cluster.Describe().GetAwaiter().GetResult();
    }

    /// <summary>Workers as other programs read them.</summary>
    /// <param name="workers">Shape: [workers].</param>
    public static string ToJson(IReadOnlyList<WorkerInfo> workers) => JsonSerializer.Serialize(workers, JsonText.Indented);

    /// <inheritdoc/>
    internal override IRemoteWork Begin(RemoteTask task)
    {
        var board = new UnitBoard(this, task);
        lock (gate)
        {
            Board = board;
            return board;
        }
    }

    int IUnitCrew.UsableCount => UsableCount;

    void IUnitCrew.End(UnitBoard board)
    {
        lock (gate)
        {
            Board = Board == board ? null : Board;
        }
    }

    /// <summary>Says something of workers.</summary>
    internal void Say(string text) => notice?.Invoke(text);

    /// <summary>Waits until a part of a file may be sent; disposing what it gives says that it was.</summary>
    internal async Task<IDisposable> Sending()
    {
        await parts.WaitAsync();
        return new Sent(parts);
    }

    void IUnitCrew.SayWhereNobodyIs()
    {
        lock (gate)
        {
            var now = DateTime.UtcNow;
            lonelySince = UsableCount > 0 ? now : lonelySince;
            if (now - lonelySince < Lonely || now - said < Silence)
            {
                return;
            }
            said = now;
        }
        Say($"no workers at {place.Address} that can take part; waiting for some: {Settings.Worker} {Settings.Cluster} ...");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !stop.IsCancellationRequested)
        {
            stop.Cancel();
            watching.Wait(Beat);
            host.StopAsync(new CancellationToken(canceled: true)).ContinueWith(_ => { }, TaskScheduler.Default).Wait(Beat);
            host.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>Looks who is there, and has a link with everybody.</summary>
    private async Task Watch()
    {
        // It waits for the first worker.
        await starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stop.IsCancellationRequested)
        {
            if (await Silos() is { } silos)
            {
                lock (gate)
                {
                    foreach (var silo in silos.Where(silo => !links.ContainsKey(silo)))
                    {
                        var link = links[silo] = new WorkerLink(this, silo, () => Grain(silo));
                        _ = Task.Run(() => link.Run(stop.Token));
                    }
                }
            }
            await Task.Delay(Beat, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The silos that are there; null where the server does not say. Shape: [silos].</summary>
    private async Task<string[]?> Silos()
    {
        try
        {
            var gateways = await host.Services.GetRequiredService<IGatewayListProvider>().GetGateways();
            return [.. gateways.Select(SiloOf)];
        }
        catch (Exception) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>The silo of a gateway: its port is the one before, see <see cref="ClusterPlace.Silo"/>.</summary>
    private static string SiloOf(Uri gateway)
    {
        int generation = int.Parse(gateway.AbsolutePath.Trim('/'), CultureInfo.InvariantCulture);
        var address = new IPEndPoint(IPAddress.Parse(gateway.Host.Trim('[', ']')), gateway.Port - 1);
        return SiloAddress.New(address, generation).ToParsableString();
    }

    private IWorkerGrain Grain(string silo) => host.Services.GetRequiredService<IClusterClient>().GetGrain<IWorkerGrain>(silo);

    private async Task<IReadOnlyList<WorkerInfo>> Describe()
    {
        string[] silos = await Silos() ?? [];
        if (silos.Length == 0)
        {
            return [];
        }
        // Those that do not answer are no workers any more, or hang.
        var states = await Task.WhenAll(silos.Select(async silo =>
        {
            try
            {
                return await Found(silo);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or ArgumentException)
            {
                return null;
            }
        }));
        return [.. states.Zip(silos, (state, silo) => state is null
            ? new WorkerInfo(silo, "", "", 0, 0, 0, 0, 0, "it does not answer")
            : new WorkerInfo(
                state.Name, state.Version, state.Processor, state.Threads, state.MemoryBytes, state.Queued, state.Done, state.CachedBytes,
                WorkerLink.Problem(state)))];
    }

    /// <summary>What a worker is; what silos have is heard a moment after they are.</summary>
    private async Task<WorkerState?> Found(string silo)
    {
        for (var until = DateTime.UtcNow + place.FailureTimeout; ;)
        {
            try
            {
                return await Grain(silo).Describe();
            }
            catch (ArgumentException) when (DateTime.UtcNow < until)
            {
                await Task.Delay(Moment);
            }
        }
    }

    private sealed class Sent(SemaphoreSlim parts) : IDisposable
    {
        public void Dispose() => parts.Release();
    }
}
