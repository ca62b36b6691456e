using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Reports;
using Xunit;

namespace Clado.Tests.Conventions;

/// <summary>
/// Whoever uses the libraries finds everything public explained; what is not explained fails, as what is explained badly does.
/// </summary>
public class DocumentationTests
{
    private const BindingFlags Public = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static TheoryData<string> Assemblies { get; } =
    [
        typeof(Graph).Assembly.Location, typeof(OnnxFile).Assembly.Location, typeof(Report).Assembly.Location,
    ];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void EverythingPublicIsExplained(string path) => NothingIn(Offences(Assembly.LoadFrom(path), Unexplained));

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void PublicArraysSayTheirShape(string path) => NothingIn(Offences(Assembly.LoadFrom(path), Shapeless));

    /// <summary>The look finds what it is meant to find, and nothing else.</summary>
    [Fact]
    public void TheLookSees()
    {
        var documentation = Documentation.Of(typeof(DocumentationTests).Assembly);
        string[] Found(Func<Documentation, MemberInfo, IEnumerable<string>> look) =>
            [.. Members(typeof(Offender)).SelectMany(m => look(documentation, m)).Select(text => text.Split(' ')[0].Split('.')[^1])
                .Order(StringComparer.Ordinal)];
        Assert.Equal(["NoParam(a)", "NoSummary", "NoSummary(a)"], Found(Unexplained));
        Assert.Equal(["BadShape()", "BadShape(a)", "NoParam(a)", "NoShape", "NoSummary(a)"], Found(Shapeless));
    }

    private static void NothingIn(string[] offences) => Assert.True(offences.Length == 0, string.Join('\n', offences));

    private static string[] Offences(Assembly assembly, Func<Documentation, MemberInfo, IEnumerable<string>> look)
    {
        var documentation = Documentation.Of(assembly);
        var types = assembly.GetExportedTypes().Where(t => !IsGenerated(t)).ToArray();
        Assert.NotEmpty(types);
        return [.. types.SelectMany(Members).SelectMany(member => look(documentation, member)).Order(StringComparer.Ordinal)];
    }

    /// <summary>A type and what it declares in public; not what the compiler adds, nor accessors.</summary>
    private static IEnumerable<MemberInfo> Members(Type type) => type.GetMembers(Public).Where(m => m is not Type
        && m is not MethodInfo { IsSpecialName: true, Name: not ("op_Implicit" or "op_Explicit") }
        && m is not FieldInfo { IsSpecialName: true }
        && !(type.IsSubclassOf(typeof(Delegate)) || m.IsDefined(typeof(CompilerGeneratedAttribute)))).Prepend(type);

    /// <summary>A summary, and a word on each parameter.</summary>
    private static IEnumerable<string> Unexplained(Documentation documentation, MemberInfo member)
    {
        if (IsInherited(documentation[member]))
        {
            yield break;
        }
        bool isExplained = member switch
        {
            // A record's constructor is explained by its parameters; one that nobody wrote has no explanation.
            ConstructorInfo constructor => constructor.GetParameters().Length == 0 || documentation[constructor] is not null
                || constructor.GetParameters().All(p => documentation.Of(p) is not null),
            PropertyInfo property => !string.IsNullOrWhiteSpace(documentation.Of(property)),
            _ => !string.IsNullOrWhiteSpace(documentation[member]?.Element("summary")?.Value),
        };
        if (!isExplained)
        {
            yield return $"{NameOf(member)} is not explained";
        }
        foreach (var parameter in Parameters(member).Where(p => string.IsNullOrWhiteSpace(documentation.Of(p))))
        {
            yield return $"{NameOf(member)}({parameter.Name}) is not explained";
        }
    }

    private static IEnumerable<string> Shapeless(Documentation documentation, MemberInfo member)
    {
        if (IsInherited(documentation[member]))
        {
            yield break;
        }
        foreach (var parameter in Parameters(member).Where(p => IsSequence(p.ParameterType) && !SaysShape(documentation.Of(p))))
        {
            yield return $"{NameOf(member)}({parameter.Name}) does not say its shape";
        }
        if (member is MethodInfo method && IsSequence(method.ReturnType) && !SaysShape(Result(documentation[method])))
        {
            yield return $"{NameOf(member)}() does not say the shape of what it returns";
        }
        if (member is PropertyInfo property && IsSequence(property.PropertyType) && !SaysShape(documentation.Of(property)))
        {
            yield return $"{NameOf(member)} does not say its shape";
        }
    }

    /// <summary>What is said of what a method returns: on its own, or in the summary.</summary>
    private static string? Result(XElement? method) =>
        method is null ? null : method.Element("summary")?.Value + method.Element("returns")?.Value;

    private static ParameterInfo[] Parameters(MemberInfo member) => member switch
    {
        MethodBase method => method.GetParameters(),
        PropertyInfo property => property.GetIndexParameters(),
        _ => [],
    };

    private static bool SaysShape(string? text) => text?.Contains("Shape: ", StringComparison.Ordinal) == true;

    private static bool IsInherited(XElement? documentation) => documentation?.Element("inheritdoc") is not null;

    private static bool IsSequence(Type type) =>
        type.IsArray
            || (type.IsGenericType && type.Name is "IReadOnlyList`1" or "ReadOnlySpan`1" or "Span`1" or "ReadOnlyMemory`1" or "Memory`1");

    private static bool IsGenerated(Type type) => type.DeclaringType is { } outer ? IsGenerated(outer)
        : type.GetInterface("IMessage") is not null || type.Name.EndsWith("Reflection", StringComparison.Ordinal);

    private static string NameOf(MemberInfo member) =>
        member is Type type ? $"{type.FullName}" : $"{member.DeclaringType!.FullName}.{member.Name}";

    /// <summary>Explained as nothing in the libraries may be.</summary>
    public static class Offender
    {
        /// <summary>An array without a shape.</summary>
        public static int[] NoShape => [];

        public static void NoSummary(int[] a) => _ = a;

        /// <summary>A parameter that is not explained.</summary>
        public static void NoParam(int[] a) => _ = a;

        /// <summary>No shapes.</summary>
        /// <param name="a">An array.</param>
        public static int[] BadShape(int[] a) => a;

        /// <summary>As all should be.</summary>
        /// <param name="a">An array. Shape: [numbers].</param>
        /// <returns>The same. Shape: [numbers].</returns>
        public static int[] Good(int[] a) => a;
    }
}
