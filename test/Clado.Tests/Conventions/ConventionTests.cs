using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Cli;
using Clado.Graphs;
using Clado.Numerics;
using Clado.Onnx;
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
    /// What a node reads is more than its inputs where it has bodies, so one type answers who reads what. The rules that raise a node to another opset rewrite its
    /// positional inputs: that is all they do.
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
        var others = Calls.Callers(typeof(OnnxFile).Assembly, looked).Except(entitled);
        Assert.DoesNotContain(others, name => !name.EndsWith("Rules", StringComparison.Ordinal));
        // The look itself sees them.
        Assert.Contains(nameof(GraphWalk), Calls.Callers(typeof(OnnxFile).Assembly, looked));
        Assert.Contains("NodeProto.get_Output", Calls.References(typeof(Graph).Assembly));
    }

    [Fact]
    public void PublicArraysSayTheirShape()
    {
        foreach (var assembly in (Assembly[])[typeof(Graph).Assembly, typeof(OnnxFile).Assembly])
        {
            var documentation = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member").ToDictionary(m => m.Attribute("name")!.Value);
            var types = assembly.GetExportedTypes().Where(t => !IsGenerated(t));
            foreach (var method in types.SelectMany(t => t.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)).OfType<MethodBase>())
            {
                var member = documentation.FirstOrDefault(d => Regex.IsMatch(d.Key, $@"^M:{Regex.Escape($"{method.DeclaringType!.FullName}.{method.Name.Replace('.', '#')}")}(``\d)?(\(|$)")).Value;
                foreach (var parameter in method.GetParameters().Where(p => member is not null && IsSequence(p.ParameterType)))
                {
                    var text = member!.Elements("param").FirstOrDefault(p => p.Attribute("name")!.Value == parameter.Name)?.Value;
                    Assert.True(text is null || text.Contains("Shape: ["), $"{method.DeclaringType}.{method.Name}({parameter.Name}) does not say its shape");
                }
            }
            foreach (var property in types.SelectMany(t => t.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)).Where(p => IsSequence(p.PropertyType)))
            {
                var own = documentation.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}")?.Value;
                // A positional record documents its properties as parameters of the type.
                var positional = documentation.GetValueOrDefault($"T:{property.DeclaringType.FullName}")?.Elements("param").FirstOrDefault(p => p.Attribute("name")!.Value == property.Name)?.Value;
                Assert.True((own + positional).Contains("Shape: ["), $"{property.DeclaringType}.{property.Name} does not say its shape");
            }
        }
    }

    private static bool IsGenerated(Type type) => type.GetInterface("IMessage") is not null || type.Name.EndsWith("Reflection", StringComparison.Ordinal) || type.DeclaringType is not null;

    private static bool IsSequence(Type type) =>
        type.IsArray || (type.IsGenericType && type.Name is "IReadOnlyList`1" or "ReadOnlySpan`1" or "Span`1" or "ReadOnlyMemory`1");
}
