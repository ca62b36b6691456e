using Clado.Graphs;
using Xunit;

namespace Clado.Tests.Conventions;

public class FolderTests
{
    /// <summary>The table of docs/architecture.md, for whoever looks: <c>Clado.Tests -method '*PrintsTheTable' -showLiveOutput</c>.</summary>
    [Fact]
    public void PrintsTheTable()
    {
        var table = FolderDependencies.Of(typeof(Graph).Assembly, "Clado");
        foreach (var (folder, known) in table)
        {
            TestContext.Current.TestOutputHelper!.WriteLine($"{(folder.Length > 0 ? folder : "(root)")} knows {string.Join(", ", known.Select(k => $"{(k.Key.Length > 0 ? k.Key : "(root)")} {k.Value.Count}"))}");
        }
        foreach (var cycle in FolderDependencies.Cycles(table))
        {
            TestContext.Current.TestOutputHelper!.WriteLine($"cycle: {string.Join(", ", cycle)}");
        }
    }
}
