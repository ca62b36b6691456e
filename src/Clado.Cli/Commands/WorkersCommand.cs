using System.Runtime.CompilerServices;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Cluster;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary><c>clado workers</c>: who is there.</summary>
internal static class WorkersCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (place, json) = (new ClusterPlaceOptions(required: true), CommonOptions.Json());
        var command = new Verb(
            "workers",
            "List the workers of a cluster, and whether they take part in what this machine measures.\n\n"
            + "Example: clado workers --cluster redis://127.0.0.1");
        place.AddTo(command);
        command.Add(OptionGroup.Output, json);
        command.Runs((parsed, _) => List(terminal, place.Read(parsed), parsed.GetValue(json)), runsModels: false);
        return command;
    }

    // A method of its own: what it takes is loaded when it is first called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int List(Terminal terminal, ClusterOptions options, bool json)
    {
        var workers = WorkerCluster.Workers(options);
        if (json)
        {
            terminal.Json(WorkerCluster.ToJson(workers));
        }
        else if (workers.Count == 0)
        {
            terminal.Message("no workers with this secret; start some: clado worker --cluster URL");
        }
        else
        {
            Show(terminal, workers);
        }
        return workers.Any(worker => worker.Problem is null) ? App.Done : App.No;
    }

    private static void Show(Terminal terminal, IReadOnlyList<WorkerInfo> workers)
    {
        var table = new TextTable(
            ("worker", false), ("version", false), ("processor", false), ("threads", true), ("memory", true), ("to do", true),
            ("done", true), ("cached", true));
        static string Size(long bytes) => Invariant($"{bytes / (double)(1 << 20):N0} MiB");
        foreach (var own in workers)
        {
            table.Row(
                own.Name, own.Version, own.Processor, Invariant($"{own.Threads}"), Size(own.MemoryBytes), Invariant($"{own.Queued:N0}"),
                Invariant($"{own.Done:N0}"), Size(own.CachedBytes));
        }
        terminal.Show(table);
        foreach (var own in workers.Where(worker => worker.Problem is not null))
        {
            terminal.Message($"{own.Name} takes no part: {own.Problem}");
        }
    }
}
