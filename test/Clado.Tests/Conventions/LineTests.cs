using System.Text.RegularExpressions;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Conventions;

/// <summary>A line longer than this is two thoughts.</summary>
public class LineTests
{
    private const int Longest = 140;

    private static readonly string[] Folders = ["src", "test"];

    [Fact]
    public void LinesAreShort()
    {
        var found = new List<string>();
        foreach (var file in Folders.SelectMany(Sources))
        {
            found.AddRange(Long(File.ReadAllText(file)).Select(line => $"{Path.GetRelativePath(Repository.Root, file)}({line})"));
        }
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    /// <summary>The look finds what it is meant to find; addresses do not count.</summary>
    [Fact]
    public void TheLookSees()
    {
        var (longest, tooLong) = (new string('x', Longest), new string('x', Longest + 1));
        Assert.Equal([2, 4], Long($"{longest}\n{tooLong}\n{longest} https://example.org/{longest}\r\nhttps://example.org/ {longest}\n"));
        Assert.All(Folders, folder => Assert.NotEmpty(Sources(folder)));
    }

    /// <summary>Numbers of the lines that are too long.</summary>
    private static IEnumerable<int> Long(string text) => text.Split('\n')
        .Select((line, index) => (Number: index + 1, Text: Regex.Replace(line, @"\s*https?://\S+", "").TrimEnd()))
        .Where(line => line.Text.Length > Longest)
        .Select(line => line.Number);

    private static IEnumerable<string> Sources(string folder)
    {
        string root = Path.Combine(Repository.Root, folder);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));
    }
}
