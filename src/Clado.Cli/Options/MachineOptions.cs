using System.CommandLine;
using System.Runtime.CompilerServices;
using Clado.Cli.Commands;
using Clado.Cli.Output;
using Clado.Cluster;
using Clado.Execution;

namespace Clado.Cli.Options;

/// <summary>Other machines that take part in measuring.</summary>
internal sealed class MachineOptions
{
    private readonly ClusterPlaceOptions place = new(required: false);

    public void AddTo(Verb command) => place.AddTo(command);

    /// <summary>Joins them; null where none are asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="terminal">Tells of them, and lets go of them at the end.</param>
    public Machines? Connect(ParseResult parsed, Terminal terminal) => place.IsGiven(parsed) ? Joined(parsed, terminal) : null;

    // A method of its own: what it takes is loaded when it is first called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private WorkerCluster Joined(ParseResult parsed, Terminal terminal)
    {
        var cluster = WorkerCluster.Connect(place.Read(parsed), text => terminal.Report(new StageProgress("cluster", text, null)));
        terminal.Machines = cluster;
        terminal.Message("cluster: sensitivities are measured on workers; rounding, losses of choices and evaluation on this machine");
        return cluster;
    }
}
