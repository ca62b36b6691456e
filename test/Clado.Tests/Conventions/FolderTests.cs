using System.Text.RegularExpressions;
using Clado.Graphs;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Conventions;

/// <summary>Who knows whom, as docs/architecture.md says it.</summary>
public class FolderTests
{
    // In the order data flows; what serves all comes first, what brings all together last. "" are the files beside the folders.
    private static readonly string[] Order =
    [
        "Numerics", "Records", "Execution", "Graphs", "Gradients", "Images", "Inference", "Tasks", "Layers", "Activations", "Calibration",
        "Candidates", "Packing", "Rounding", "Equalization",
        "Losses", "Sensitivity", "Allocation", "Tuning", "Metrics", "Export", "Repair",
        "Evaluation", "Curves", "Comparisons", "Runs", "",
    ];

    private static readonly IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> Table =
        FolderDependencies.Of(typeof(Graph).Assembly, "Clado");

    [Fact]
    public void EveryFolderHasItsPlace()
    {
        string[] folders = [.. Directory.GetDirectories(Path.Combine(Repository.Root, "src/Clado")).Select(f => Path.GetFileName(f)!)
            .Except(["bin", "obj"])];
        Assert.Equal(Order.Where(folder => folder.Length > 0).Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal));
        Assert.Equal(Order.Order(StringComparer.Ordinal), Table.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>The look is at namespaces: they are the folders.</summary>
    [Fact]
    public void EveryFileLiesWhereItsNamespaceSays()
    {
        var files = Sources().ToArray();
        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            Assert.Equal(file.Folder, Regex.Match(file.Text, @"^namespace ([\w.]+);", RegexOptions.Multiline).Groups[1].Value);
        });
    }

    [Fact]
    public void AFolderKnowsEarlierOnesOnly()
    {
        foreach (var (folder, known) in Table)
        {
            foreach (var (other, types) in known)
            {
                Assert.True(
                    Array.IndexOf(Order, other) < Array.IndexOf(Order, folder),
                    $"{folder} knows the later {other}: {string.Join(", ", types)}");
            }
        }
        Assert.Empty(FolderDependencies.Cycles(Table));
    }

    /// <summary>The look finds what it is meant to find: a folder known by one call alone, and a cycle by way of others.</summary>
    [Fact]
    public void TheLookSees()
    {
        var own = FolderDependencies.Of(typeof(FolderTests).Assembly, "Clado.Tests")["Conventions"]["Support"];
        Assert.Contains($"{nameof(Repository)} ({nameof(FolderTests)})", own);
        SortedDictionary<string, SortedSet<string>> Knows(params string[] others) =>
            new(others.ToDictionary(o => o, _ => new SortedSet<string>()));
        var table = new Dictionary<string, SortedDictionary<string, SortedSet<string>>>
        {
            ["a"] = Knows("b"),
            ["b"] = Knows("c"),
            ["c"] = Knows("a"),
            ["d"] = Knows("a"),
        };
        Assert.Equal(["a", "b", "c"], Assert.Single(FolderDependencies.Cycles(table)));
    }

    /// <summary>The table of docs/architecture.md is the one of the code.</summary>
    [Fact]
    public void TheDocumentSaysWhatIs()
    {
        string[] document = File.ReadAllLines(Path.Combine(Repository.Root, "docs/architecture.md"));
        Assert.All(Order, folder =>
        {
            var row = $"| {Name(folder)} | {string.Join(", ", Order.Where(Table[folder].ContainsKey).Select(Name))} |";
            Assert.True(document.Contains(row), $"docs/architecture.md lacks the row\n{row}");
        });
    }

    /// <summary>The C# files of the library: the namespace of their folder, and what they say.</summary>
    private static IEnumerable<(string Folder, string Text)> Sources()
    {
        string root = Path.Combine(Repository.Root, "src/Clado");
        foreach (var file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        {
            string[] parts = Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar)[..^1];
            if (!parts.Any(part => part is "bin" or "obj"))
            {
                yield return (string.Join('.', parts.Prepend("Clado")), File.ReadAllText(file));
            }
        }
    }

    private static string Name(string folder) => folder.Length > 0 ? $"`{folder}`" : "(root)";
}
