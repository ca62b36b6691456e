using System.Reflection;
using Clado.Cli;
using Clado.Graphs;
using Clado.Onnx;
using Xunit;

namespace Clado.Tests.Conventions;

/// <summary>Nothing takes more parameters than a reader keeps in mind: not a method, a constructor or a record.</summary>
public class ParameterTests
{
    private const int Most = 7;

    [Fact]
    public void ListsOfParametersAreShort()
    {
        string[] found = [.. new[] { typeof(OnnxFile), typeof(Graph), typeof(App) }.SelectMany(t => t.Assembly.GetTypes())
            .Where(t => t.Namespace?.StartsWith("Clado", StringComparison.Ordinal) == true)
            .SelectMany(Long)];
        Assert.True(found.Length == 0, $"Too many parameters:\n{string.Join('\n', found)}");
    }

    /// <summary>The look finds what it is meant to find.</summary>
    [Fact]
    public void TheLookSees() =>
        Assert.Equal(["Offender.new: 8", "Offender.Method: 9"], Long(typeof(Offender)).OrderByDescending(o => o.Contains("new")));

    private static IEnumerable<string> Long(Type type) => CompiledCode.Methods(type)
        .Where(method => method.GetParameters().Length > Most && !IsByTheCompiler(method))
        .Select(method => $"{type.Name}.{(method.IsConstructor ? "new" : method.Name)}: {method.GetParameters().Length}");

    /// <summary>Lambdas and local functions, which have the compiler's names, and how a record is taken apart.</summary>
    private static bool IsByTheCompiler(MethodBase method) =>
        method.Name.Contains('<', StringComparison.Ordinal) || method.DeclaringType!.Name.Contains('<', StringComparison.Ordinal)
        || method.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute));

    private sealed record Offender(int A, int B, int C, int D, int E, int F, int G, int H)
    {
        public static void Method(int a, int b, int c, int d, int e, int f, int g, int h, int i) => _ = a + b + c + d + e + f + g + h + i;
    }
}
