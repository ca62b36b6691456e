using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Clado.Tests.Support;
using StackExchange.Redis;

namespace Clado.Tests.Cluster;

/// <summary>A Redis server of a test's own, on a free port of the loopback.</summary>
internal sealed class RedisServer : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private Process process;

    public RedisServer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        process = Start();
    }

    /// <summary>Whether this machine has the program.</summary>
    public static bool IsThere { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(path => File.Exists(Path.Combine(path, "redis-server")));

    public int Port { get; }

    public string Url => $"redis://127.0.0.1:{Port}";

    /// <summary>Ends it and starts it again.</summary>
    /// <param name="forgets">Whether what it knew is gone.</param>
    public void Restart(bool forgets)
    {
        using (var connection = ConnectionMultiplexer.Connect($"127.0.0.1:{Port},allowAdmin=true"))
        {
            if (!forgets)
            {
                connection.GetServer("127.0.0.1", Port).Execute("SAVE");
            }
        }
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        if (forgets)
        {
            File.Delete(folder["dump.rdb"]);
        }
        Thread.Sleep(500);
        process = Start();
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        folder.Dispose();
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true };
        string[] words = ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--dir", folder.Path];
        foreach (var word in words)
        {
            start.ArgumentList.Add(word);
        }
        var started = Process.Start(start)!;
        started.OutputDataReceived += (_, _) => { };
        started.BeginOutputReadLine();
        return started;
    }
}
