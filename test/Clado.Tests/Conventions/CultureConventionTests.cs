using System.Reflection;
using System.Runtime.CompilerServices;
using Clado.Cli;
using Clado.Graphs;
using Clado.Onnx;
using Xunit;

namespace Clado.Tests.Conventions;

/// <summary>
/// No number becomes text by way of the thread's culture. CA1305 finds calls of ToString and Parse; what interpolated strings and
/// string.Join do, nobody finds but who reads the compiled code.
/// </summary>
public class CultureConventionTests
{
    private static readonly Type[] Fractions = [typeof(double), typeof(float), typeof(decimal), typeof(Half), typeof(DateTime),
        typeof(DateTimeOffset)];
    private static readonly Type[] Integers = [typeof(int), typeof(long), typeof(short), typeof(sbyte), typeof(nint), typeof(uint),
        typeof(ulong)];

    [Fact]
    public void NumbersInTextNameTheirCulture()
    {
        string[] found = [.. new[] { typeof(Graph), typeof(OnnxFile), typeof(App) }.SelectMany(t => t.Assembly.GetTypes())
            .Where(t => t.Namespace?.StartsWith("Clado", StringComparison.Ordinal) == true && !IsGenerated(t))
            .SelectMany(t => CompiledCode.Methods(t).SelectMany(Offences)).Distinct().Order(StringComparer.Ordinal)];
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    /// <summary>The rule finds what it is meant to find.</summary>
    [Fact]
    public void TheRuleFindsEveryForm()
    {
        string[] found = [.. CompiledCode.Methods(typeof(Offender)).SelectMany(Offences)];
        Assert.Equal(
            ["Bad1", "Bad2", "Bad3", "Bad4"], found.Select(f => f.Split(' ')[0].Split('.')[^1]).Distinct().Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Offences(MethodBase method)
    {
        var place = $"{method.DeclaringType}.{method.Name}";
        // Handlers under construction: one in another's argument is begun later and ends earlier. Whether each knows its culture.
        var handlers = new Stack<bool>();
        foreach (var call in CompiledCode.Calls(method))
        {
            if (call.DeclaringType == typeof(DefaultInterpolatedStringHandler))
            {
                if (call.IsConstructor)
                {
                    handlers.Push(call.GetParameters().Any(p => p.ParameterType == typeof(IFormatProvider)));
                }
                else if (call.Name == nameof(DefaultInterpolatedStringHandler.ToStringAndClear))
                {
                    handlers.TryPop(out _);
                }
                else if (call.Name == "AppendFormatted" && call.IsGenericMethod && handlers.TryPeek(out bool known) && !known
                    && DependsOnCulture(call.GetGenericArguments()[0], call.GetParameters().Any(p => p.Name == "format")))
                {
                    yield return $"{place} puts a {call.GetGenericArguments()[0].Name} into text";
                }
            }
            else if (call.DeclaringType == typeof(string) && call.Name == nameof(string.Create)
                && call.GetParameters()[0].ParameterType == typeof(IFormatProvider))
            {
                handlers.TryPop(out _);
            }
            else if (call.DeclaringType == typeof(string) && call.Name is nameof(string.Join) or nameof(string.Concat)
                && call.IsGenericMethod
                && DependsOnCulture(call.GetGenericArguments()[0], formatted: call.GetGenericArguments()[0] == typeof(long)))
            {
                yield return $"{place} joins {call.GetGenericArguments()[0].Name}s";
            }
        }
    }

    // The sign of an integer is all that a culture changes of it where no format is given, and counts have none; dimensions, which are
    // longs, may.
    private static bool DependsOnCulture(Type type, bool formatted)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return !type.IsEnum && (Fractions.Contains(type) || (formatted && Integers.Contains(type)));
    }

    private static bool IsGenerated(Type type) =>
        type.GetInterface("IMessage") is not null || type.Name.EndsWith("Reflection", StringComparison.Ordinal);

    private static class Offender
    {
        public static string Bad1(double x) => $"{x}";

        public static string Bad2(int x, string y) => $"{y} {x:N0}";

        public static string Bad3(float? x) => $"{(x is null ? $"{x}" : "a")}";

        public static string Bad4(double[] x) => string.Join(',', x);

        public static string Good1(double x) => FormattableString.Invariant($"{x}");

        public static string Good2(double x, int n) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{x}") + $"{n}";
    }
}
