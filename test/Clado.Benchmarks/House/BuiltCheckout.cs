using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Clado.Tests.Conventions;

namespace Clado.Benchmarks.House;

/// <summary>The libraries of a checkout, as its build left them. They are looked at, and nothing of them runs.</summary>
internal sealed class BuiltCheckout
{
    private const string Output = "bin/Release/net10.0";

    private readonly Assembly library;
    private readonly Assembly format;

    /// <summary>Loads the libraries.</summary>
    /// <param name="root">Path of the checkout.</param>
    /// <exception cref="FileNotFoundException">It is not built in Release.</exception>
    public BuiltCheckout(string root)
    {
        // The command line's folder has all that the libraries need.
        string folder = Path.GetFullPath(Path.Combine(root, "src/Clado.Cli", Output));
        var context = new Context(Path.Combine(folder, "Clado.Cli.dll"));
        library = context.LoadFromAssemblyPath(Path.Combine(folder, "Clado.dll"));
        format = context.LoadFromAssemblyPath(Path.Combine(folder, "Clado.Onnx.dll"));
    }

    /// <summary>Which folder knows which types of which others; the library's own folder is "".</summary>
    public IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> Folders() => FolderDependencies.Of(library, "Clado");

    /// <summary>
    /// Public types, and what they declare in public, of both libraries; what the protocol compiler wrote is counted apart.
    /// </summary>
    public (int Types, int Members, int GeneratedTypes, int GeneratedMembers) Face()
    {
        var types = library.GetExportedTypes().Concat(format.GetExportedTypes()).ToLookup(IsGenerated);
        return (types[false].Count(), types[false].Sum(Members), types[true].Count(), types[true].Sum(Members));
    }

    private static int Members(Type type) => type
        .GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .Count(member => member is not Type && !IsByTheCompiler(member));

    /// <summary>Accessors belong to their property; what the compiler adds to a record, or to an enum, nobody wrote.</summary>
    private static bool IsByTheCompiler(MemberInfo member) =>
        member is MethodInfo { IsSpecialName: true } accessor && !accessor.Name.StartsWith("op_", StringComparison.Ordinal)
        || member is FieldInfo { IsSpecialName: true }
        || member.IsDefined(typeof(CompilerGeneratedAttribute));

    private static bool IsGenerated(Type type) =>
        type.DeclaringType is { } outer ? IsGenerated(outer)
        : type.GetInterface("IMessage") is not null || type.Name.EndsWith("Reflection", StringComparison.Ordinal);

    private sealed class Context(string program) : AssemblyLoadContext
    {
        private readonly AssemblyDependencyResolver resolver = new(program);

        protected override Assembly? Load(AssemblyName name) =>
            resolver.ResolveAssemblyToPath(name) is { } path ? LoadFromAssemblyPath(path) : null;
    }
}
