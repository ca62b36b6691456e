using System.Reflection;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Cli;
using Clado.Graphs;
using Clado.Numerics;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Xunit;

namespace Clado.Tests.Conventions;

public class ConventionTests
{
    /// <summary>The solver knows numbers only: its own types, dense linear algebra, and what is said of an answer.</summary>
    [Fact]
    public void TheSolverKnowsNumbersOnly()
    {
        string[] allowed = [typeof(IAllocator).Namespace!, typeof(Cholesky).Namespace!];
        var solver = typeof(IAllocator).Assembly.GetTypes().Where(t => t.Namespace == typeof(IAllocator).Namespace).ToArray();
        var known = solver.SelectMany(FolderDependencies.Known).Where(t => t.Assembly == typeof(IAllocator).Assembly).ToHashSet();
        Assert.Contains(typeof(Cholesky), known);
        Assert.DoesNotContain(known, t => t.Namespace is { } space && !allowed.Contains(space) && t != typeof(AllocationStatus));
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
        string[] entitled = [nameof(GraphWalk), nameof(NodeExtensions), nameof(NodeProto), nameof(AttributeProto)];
        var upgrade = typeof(OnnxFile).Assembly.GetTypes().Where(type => type.Namespace == typeof(OpsetUpgrade).Namespace);
        var others = Calls.Callers(typeof(OnnxFile).Assembly, looked).Except(entitled);
        Assert.Empty(others.Except(upgrade.Select(type => type.Name)));
        // The look itself sees them.
        Assert.Contains(nameof(GraphWalk), Calls.Callers(typeof(OnnxFile).Assembly, looked));
        Assert.Contains("NodeProto.get_Output", Calls.References(typeof(Graph).Assembly));
    }
}
