using System.Net;
using System.Net.Sockets;
using Clado.Cluster.Serving;
using Microsoft.Extensions.DependencyInjection;

namespace Clado.Cluster;

/// <summary>Makes this machine a worker.</summary>
public static class Worker
{
    // Below those that systems give to outgoing connections, and above those that services have.
    private const int FirstPort = 20000, LastPort = 32000;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Does units for whoever asks, until it is stopped. Where the others lose sight of it, it joins again.</summary>
    /// <param name="options">What it may take, and where others find it.</param>
    /// <param name="notice">Is told what becomes of it, in sentences.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="CladoException">The server does not answer, or the options cannot be used.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static void Run(WorkerOptions options, Action<string>? notice = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var place = new ClusterPlace(options.Cluster);
        place.CheckServer();
        using var machine = new WorkerMachine(options);
        bool wasMember = false;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                void Tell() => notice?.Invoke(wasMember ? "joined again" : Joined(options, place, ref wasMember));
                Serve(place, options, machine, Tell, cancellation).GetAwaiter().GetResult();
                notice?.Invoke("the others have lost sight of this worker; it joins again");
            }
            catch (Exception e) when (e is not (OperationCanceledException or CladoException) && wasMember)
            {
                notice?.Invoke($"could not join again: {CladoException.Plain(e)}; it is tried again");
            }
            catch (Exception e) when (e is OrleansException or SocketException or StackExchange.Redis.RedisException or TimeoutException)
            {
                throw new CladoException($"{Settings.Cluster}: this machine cannot join: {CladoException.Plain(e)}", e);
            }
            cancellation.WaitHandle.WaitOne(Pause);
        }
    }

    private static string Joined(WorkerOptions options, ClusterPlace place, ref bool wasMember)
    {
        wasMember = true;
        return $"a worker of {place.Address} with {options.Resources.Threads} thread{(options.Resources.Threads == 1 ? "" : "s")}, "
            + $"{options.Processor}, at {options.Listen}; Ctrl-C ends it";
    }

    /// <summary>Takes part until stopped, or until others have lost sight of this machine.</summary>
    private static async Task Serve(
        ClusterPlace place, WorkerOptions options, WorkerMachine machine, Action joined, CancellationToken cancellation)
    {
        using var lost = new Loss();
        using var host = place.Silo(options.Listen, options.Port ?? FreePorts(options.Listen), services =>
        {
            services.AddSingleton(machine);
            services.AddSingleton<IFatalErrorHandler>(lost);
        });
        await host.StartAsync(cancellation);
        joined();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lost.Token);
        try
        {
            await Task.Delay(Timeout.Infinite, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Nobody is there to say goodbye to.
            await host.StopAsync(new CancellationToken(canceled: true));
            return;
        }
        finally
        {
            if (cancellation.IsCancellationRequested)
            {
                await host.StopAsync(new CancellationTokenSource(place.FailureTimeout).Token);
            }
        }
    }

    /// <summary>The first of two neighbouring ports that are free.</summary>
    private static int FreePorts(IPAddress address)
    {
        for (int tries = 0; ; tries++)
        {
            int port = Random.Shared.Next(FirstPort, LastPort);
            try
            {
                using var first = new TcpListener(address, port);
                using var second = new TcpListener(address, port + 1);
                first.Start();
                second.Start();
                return port;
            }
            catch (SocketException e) when (tries < 100 || e.SocketErrorCode != SocketError.AddressAlreadyInUse)
            {
                if (e.SocketErrorCode == SocketError.AddressNotAvailable)
                {
                    throw new CladoException($"{Settings.Listen} {address}: is no address of this machine", e);
                }
            }
        }
    }

    /// <summary>Is told when the others have declared this silo dead: the process is not, and joins again.</summary>
    private sealed class Loss : IFatalErrorHandler, IDisposable
    {
        private readonly CancellationTokenSource source = new();

        public CancellationToken Token => source.Token;

        public bool IsUnexpected(Exception exception) => exception is not (ObjectDisposedException or OperationCanceledException);

        public void OnFatalException(object? sender, string? context, Exception? exception) => source.Cancel();

        public void Dispose() => source.Dispose();
    }
}
