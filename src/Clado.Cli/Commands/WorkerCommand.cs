using System.CommandLine;
using System.Net;
using System.Runtime.CompilerServices;
using Clado.Allocation;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Cluster;

namespace Clado.Cli.Commands;

/// <summary><c>clado worker</c>: this machine measures for others.</summary>
internal static class WorkerCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (place, resources, own) = (new ClusterPlaceOptions(required: true), new ResourceOptions(), new WorkerOptionSet());
        var command = new Verb(
            "worker",
            "Make this machine a worker: it measures for whoever gives --cluster with the same URL and secret, until it is stopped. "
            + "It needs nothing but this program; models, candidates and images come from there.\n\n"
            + "Example: clado worker --cluster redis://127.0.0.1\n"
            + "Example: clado worker --cluster redis://:PASSWORD@head --listen 10.0.0.7");
        place.AddTo(command);
        own.AddTo(command);
        resources.AddTo(command);
        command.Runs((parsed, cancellation) =>
        {
            Run(terminal, own.Read(parsed, place, resources), cancellation);
            return App.Done;
        });
        return command;
    }

    // A method of its own: what it takes is loaded when it is first called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run(Terminal terminal, WorkerOptions options, CancellationToken cancellation) =>
        Worker.Run(options, terminal.Message, cancellation);

    /// <summary>What is a worker's alone.</summary>
    private sealed class WorkerOptionSet
    {
        private readonly Option<string> listen = new("--listen")
        {
            Description = "Address of this machine that the others reach it by",
            HelpName = "ADDRESS",
            DefaultValueFactory = _ => "127.0.0.1",
        };

        private readonly Option<int?> port = new("--port")
        {
            Description = "The first of the two ports it listens on (default: two that are free from 20000 to 32000)",
        };

        private readonly Option<string?> cache = new("--cache")
        {
            Description = "Folder where models, candidates and images are kept (default: clado in the user's cache folder)",
            HelpName = "DIR",
        };

        private readonly Option<string> cacheSize = new("--cache-size")
        {
            Description = "Bytes kept there at most",
            HelpName = "BYTES",
            DefaultValueFactory = _ => "10GiB",
        };

        public void AddTo(Verb command) => command.Add(OptionGroup.Measuring, listen, port, cache, cacheSize);

        public WorkerOptions Read(ParseResult parsed, ClusterPlaceOptions place, ResourceOptions resources)
        {
            var text = parsed.GetRequiredValue(listen);
            return new WorkerOptions
            {
                Cluster = place.Read(parsed),
                Listen = IPAddress.TryParse(text, out var address) ? address
                    : throw new CladoException($"--listen {text}: an address such as 10.0.0.7 is wanted"),
                Port = parsed.GetValue(port),
                CacheFolder = parsed.GetValue(cache),
                CacheBytes = Budget.ParseBytes("--cache-size", parsed.GetRequiredValue(cacheSize)),
                Resources = resources.Read(parsed),
                RunTimeout = CommandExtensions.TimeoutOf(parsed),
            };
        }
    }
}
