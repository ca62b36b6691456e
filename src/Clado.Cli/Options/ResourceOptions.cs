using System.CommandLine;
using Clado.Allocation;
using Clado.Cli.Commands;
using Clado.Execution;

namespace Clado.Cli.Options;

/// <summary>Threads and memory for verbs that open a run folder.</summary>
internal sealed class ResourceOptions
{
    private readonly Option<int> threads = CommonOptions.Threads();
    private readonly Option<string?> memory = CommonOptions.Memory();

    public void AddTo(Verb command) => command.Add(OptionGroup.Measuring, threads, memory);

    public Resources Read(ParseResult parsed)
    {
        var options = new Resources { Threads = CommonOptions.ThreadCount(parsed.GetValue(threads)) };
        return parsed.GetValue(memory) is { } text ? options with { MemoryBytes = Budget.ParseBytes("--memory", text) } : options;
    }
}
