using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Clado.Cluster;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cluster;

/// <summary>Who may take part: nobody without the secret, nobody whose numbers may differ.</summary>
public class StrangerTests
{
    [Fact]
    public void NobodyWithoutTheSecretJoinsOrReads()
    {
        using var rig = new ClusterRig(imageCount: 1);
        const int Port = 19871;
        rig.Worker("--port", $"{Port}");
        var stranger = rig.MakeSecret("stranger");
        Assert.Equal(0, Harness.Command(["workers", .. rig.Place()]).Code);
        var (code, output, error) = Harness.Command(["workers", .. rig.Place(stranger)]);
        Assert.Equal(1, code);
        Assert.Empty(output);
        Assert.Contains("no workers with this secret", error, StringComparison.Ordinal);
        foreach (int port in (int[])[Port, Port + 1])
        {
            var own = ClusterSecret.Read(rig.Secret);
            Assert.True(IsLetIn(port, own, own.Certificate));
            Assert.False(IsLetIn(port, own, ClusterSecret.Read(stranger).Certificate));
            Assert.False(IsLetIn(port, own, null));
        }
        File.WriteAllText(rig.Folder["short"], "password");
        var tooShort = Assert.Throws<CladoException>(() => ClusterSecret.Read(rig.Folder["short"]));
        Assert.Contains("random", tooShort.Message, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(stranger, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Assert.Contains("chmod", Assert.Throws<CladoException>(() => ClusterSecret.Read(stranger)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void OtherVersionsAndProcessorsTakeNoPart()
    {
        using var rig = new ClusterRig(imageCount: 1);
        var cluster = new ClusterOptions { Url = rig.Server.Url, SecretFile = rig.Secret, FailureTimeout = TimeSpan.FromSeconds(3) };
        var options = new WorkerOptions { Cluster = cluster, CacheFolder = rig.Folder["cache"], Resources = new() { Threads = 1 } };
        using var stop = new CancellationTokenSource();
        using var joined = new CountdownEvent(2);
        Task[] others = [.. new[] { options with { Version = "0.3.0" }, options with { Processor = "linux x64 avx2" } }.Select(other =>
            Task.Run(() => Worker.Run(other, _ => joined.Signal(), stop.Token)))];
        Assert.True(joined.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));

        Assert.Equal(0, Harness.Command(rig.Measure("alone", "additive", isAlone: true)).Code);
        var coordinator = rig.Coordinator("run", "additive");
        rig.Worker();
        var said = ClusterRig.Finish(coordinator);
        Assert.Contains("it runs Clado 0.3.0", said, StringComparison.Ordinal);
        Assert.Contains("it computes on linux x64 avx2", said, StringComparison.Ordinal);
        Assert.Equal(rig.Matrix("alone"), rig.Matrix("run"));
        var workers = WorkerCluster.Workers(cluster);
        Assert.Equal(3, workers.Count);
        Assert.Single(workers, worker => worker.Problem is null && worker.Done > 0);
        Assert.All(workers.Where(worker => worker.Problem is not null), worker => Assert.Equal(0, worker.Done));
        stop.Cancel();
        Assert.All(others, other => Assert.ThrowsAny<Exception>(other.Wait));
    }

    /// <summary>Whether a worker's port answers to somebody with a certificate: on whom it does not know it hangs up.</summary>
    private static bool IsLetIn(int port, ClusterSecret secret, X509Certificate2? certificate)
    {
        using var client = new TcpClient("127.0.0.1", port);
        using var tls = new SslStream(client.GetStream());
        try
        {
            tls.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = "clado",
                ClientCertificates = certificate is null ? null : [certificate],
                RemoteCertificateValidationCallback = (_, shown, _, _) => secret.IsOwn(shown as X509Certificate2),
            });
            // Who is let in hears the other's greeting, or nothing for a while; who is not, the end of it.
            client.ReceiveTimeout = 2000;
            return tls.Read(new byte[1]) > 0;
        }
        catch (IOException e)
        {
            return e.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock };
        }
        catch (System.Security.Authentication.AuthenticationException)
        {
            return false;
        }
    }
}
