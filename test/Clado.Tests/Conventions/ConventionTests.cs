using System.Reflection;
using Clado.Cli;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Conventions;

public class ConventionTests
{
    [Fact]
    public void TheSolverKnowsNumbersOnly()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src/Clado/Allocation/Solver"), "*.cs"))
        {
            Assert.DoesNotMatch(@"using Clado\.", File.ReadAllText(file));
        }
    }

    /// <summary>
    /// What a node reads is more than its inputs where it has bodies, so one type answers who reads what. The rules that raise a node to
    /// another opset rewrite its positional inputs: that is all they do.
    /// </summary>
    [Fact]
    public void OnlyTheGraphWalkLooksAtTheInputsAndBodiesOfNodes()
    {
        string[] looked = ["NodeProto.get_Input", "AttributeProto.get_G", "AttributeProto.get_Graphs"];
        foreach (var assembly in (Assembly[])[typeof(Graph).Assembly, typeof(App).Assembly])
        {
            Assert.DoesNotContain(looked, Calls.References(assembly).Contains);
        }
        string[] entitled = [nameof(GraphWalk), nameof(NodeExtensions), "UpgradeRules", "EarlyRules", nameof(NodeProto),
            nameof(AttributeProto)];
        Assert.Empty(Calls.Callers(typeof(OnnxFile).Assembly, looked).Except(entitled));
        // The look itself sees them.
        Assert.Contains(nameof(GraphWalk), Calls.Callers(typeof(OnnxFile).Assembly, looked));
        Assert.Contains("NodeProto.get_Output", Calls.References(typeof(Graph).Assembly));
    }
}
