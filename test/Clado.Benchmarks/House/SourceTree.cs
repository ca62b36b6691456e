using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Clado.Benchmarks.House;

/// <summary>The text of a checkout: its C# files, parsed, and its documents.</summary>
internal sealed partial class SourceTree
{
    private const int LongestLine = 140;
    private const int MostParameters = 7;

    private readonly string root;

    /// <summary>Reads the C# files.</summary>
    /// <param name="root">Path of the checkout.</param>
    public SourceTree(string root)
    {
        this.root = root;
        Sources = [.. Find("src", "*.cs").Select(path => new SourceFile(Name(path), File.ReadAllText(path)))];
        Tests = [.. Find("test", "*.cs").Select(path => new SourceFile(Name(path), File.ReadAllText(path)))];
    }

    /// <summary>C# files of src. Shape: [files].</summary>
    public IReadOnlyList<SourceFile> Sources { get; }

    /// <summary>C# files of test. Shape: [files].</summary>
    public IReadOnlyList<SourceFile> Tests { get; }

    /// <summary>Lines of documents that are too long, without those of tables and of code.</summary>
    public int LongLinesOfProse() => Find(".", "*.md").Sum(path =>
    {
        bool code = false;
        return File.ReadLines(path).Count(line =>
        {
            code ^= line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            return !code && !line.StartsWith('|') && IsLong(line);
        });
    });

    /// <summary>Lines that are too long even without the addresses in them.</summary>
    public static int LongLines(IReadOnlyList<SourceFile> files) => files.Sum(file => file.Text.Split('\n').Count(IsLong));

    /// <summary>Every method, constructor and accessor with code, from its first modifier to its last brace.</summary>
    public static IEnumerable<(string Name, int Lines)> Methods(IReadOnlyList<SourceFile> files) =>
        from file in files
        from node in file.Root.DescendantNodes()
        where node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax
        where node.ChildNodes().Any(child => child is BlockSyntax or ArrowExpressionClauseSyntax)
        let span = node.SyntaxTree.GetLineSpan(node.Span)
        select (NameOf(file, node), span.EndLinePosition.Line - span.StartLinePosition.Line + 1);

    /// <summary>Whatever takes more parameters than one can keep in mind: methods, constructors, records, delegates.</summary>
    public static IEnumerable<(string Name, int Parameters)> LongLists(IReadOnlyList<SourceFile> files) =>
        from file in files
        from list in file.Root.DescendantNodes().OfType<ParameterListSyntax>()
        where list.Parameters.Count > MostParameters
        select (NameOf(file, list.Parent!), list.Parameters.Count);

    private static string NameOf(SourceFile file, SyntaxNode node)
    {
        var names = node.AncestorsAndSelf().Select(n => n switch
        {
            TypeDeclarationSyntax type => type.Identifier.Text,
            DelegateDeclarationSyntax type => type.Identifier.Text,
            MethodDeclarationSyntax method => method.Identifier.Text,
            LocalFunctionStatementSyntax method => method.Identifier.Text,
            ConstructorDeclarationSyntax => "new",
            OperatorDeclarationSyntax method => method.OperatorToken.Text,
            PropertyDeclarationSyntax property => property.Identifier.Text,
            _ => null,
        });
        return $"`{string.Join('.', names.OfType<string>().Reverse())}` ({file.Name})";
    }

    private static bool IsLong(string line) => Address().Replace(line.TrimEnd(), "").Length > LongestLine;

    private IEnumerable<string> Find(string folder, string pattern) => Directory
        .EnumerateFiles(Path.Combine(root, folder), pattern, SearchOption.AllDirectories)
        .Where(path => !Name(path).Split('/').Any(part => part is "bin" or "obj" || (part.Length > 1 && part[0] == '.')))
        .Order(StringComparer.Ordinal);

    private string Name(string path) => Path.GetRelativePath(root, path).Replace('\\', '/');

    [GeneratedRegex(@"https?://\S+")]
    private static partial Regex Address();
}

/// <summary>A C# file.</summary>
/// <param name="Name">Its path in the checkout.</param>
/// <param name="Text">What it says.</param>
internal sealed record SourceFile(string Name, string Text)
{
    /// <summary>Its syntax.</summary>
    public SyntaxNode Root { get; } = CSharpSyntaxTree.ParseText(Text, new CSharpParseOptions(LanguageVersion.Preview)).GetRoot();

    /// <summary>How many lines it has.</summary>
    public int Lines => Text.Count(c => c == '\n');
}
