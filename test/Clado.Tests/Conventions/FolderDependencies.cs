using System.Reflection;

namespace Clado.Tests.Conventions;

/// <summary>
/// Which folders of the library know which, from symbols: types in signatures, fields and code. Docs and constants are not seen.
/// </summary>
internal static class FolderDependencies
{
    /// <summary>For every folder those it knows, with the types it knows of them. The library's own folder is "".</summary>
    /// <param name="assembly">The library.</param>
    /// <param name="root">Its namespace.</param>
    public static IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> Of(Assembly assembly, string root)
    {
        var table = new SortedDictionary<string, SortedDictionary<string, SortedSet<string>>>(StringComparer.Ordinal);
        foreach (var type in assembly.GetTypes().Where(t => FolderOf(t, root) is not null))
        {
            var folder = FolderOf(type, root)!;
            table.TryAdd(folder, new(StringComparer.Ordinal));
            foreach (var known in Known(type).SelectMany(Parts).Select(Outermost).Where(t => t.Assembly == assembly).Distinct())
            {
                if (FolderOf(known, root) is { } other && other != folder)
                {
                    table[folder].TryAdd(other, new(StringComparer.Ordinal));
                    table[folder][other].Add($"{known.Name} ({Outermost(type).Name})");
                }
            }
        }
        return table;
    }

    /// <summary>The folders that know one another, directly or by way of others. Shape: [cycles][folders].</summary>
    public static IReadOnlyList<string[]> Cycles(IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> table)
    {
        var reached = table.Keys.ToDictionary(folder => folder, folder => Reached(table, folder));
        string Cycle(string folder) =>
            string.Join(' ', reached[folder].Where(other => reached[other].Contains(folder)).Order(StringComparer.Ordinal));
        return [.. table.Keys.Where(folder => reached[folder].Contains(folder)).GroupBy(Cycle).Select(cycle => cycle.ToArray())];
    }

    private static HashSet<string> Reached(IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> table, string from)
    {
        var reached = new HashSet<string>();
        var open = new Stack<string>(table[from].Keys);
        while (open.TryPop(out var folder))
        {
            if (reached.Add(folder))
            {
                foreach (var next in table[folder].Keys)
                {
                    open.Push(next);
                }
            }
        }
        return reached;
    }

    /// <summary>The folder below the library's of a type's namespace; null where it is none of the library's own.</summary>
    private static string? FolderOf(Type type, string root)
    {
        var space = Outermost(type).Namespace;
        // What the compiler makes for all has no namespace.
        return space == root ? ""
            : space?.StartsWith(root + ".", StringComparison.Ordinal) == true ? space[(root.Length + 1)..].Split('.')[0]
            : null;
    }

    /// <summary>The types that a type's signatures, fields and code name.</summary>
    public static IEnumerable<Type> Known(Type type)
    {
        IEnumerable<Type?> signature =
        [
            type.BaseType,
            .. type.GetInterfaces(),
            .. type.GetFields(CompiledCode.Own).Select(f => f.FieldType),
            .. CompiledCode.Methods(type).SelectMany(Types),
        ];
        return signature.OfType<Type>();
    }

    private static IEnumerable<Type?> Types(MethodBase method) =>
    [
        (method as MethodInfo)?.ReturnType,
        .. method.GetParameters().Select(p => p.ParameterType),
        .. method.GetMethodBody()?.LocalVariables.Select(v => v.LocalType) ?? [],
        .. CompiledCode.Members(method).SelectMany(Types),
    ];

    private static IEnumerable<Type?> Types(MemberInfo member) =>
    [
        member as Type,
        member.DeclaringType,
        .. member is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericArguments() : [],
    ];

    /// <summary>A type and those it is made of: elements, arguments.</summary>
    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsGenericParameter ? []
        : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
        : [type];

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
