using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;
using System.Runtime.InteropServices;
using Clado.Execution;

namespace Clado.Cli.Output;

/// <summary>What runs here, and in what: what a report of a defect needs.</summary>
internal sealed class VersionText(Terminal terminal) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    /// <summary>Version of this program, without the commit.</summary>
    public static string Own =>
        typeof(VersionText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public override int Invoke(ParseResult parseResult)
    {
        terminal.Data($"clado {Own}, ONNX Runtime {Providers.RuntimeVersion}, .NET {Environment.Version}, "
            + RuntimeInformation.RuntimeIdentifier);
        return App.Done;
    }
}
