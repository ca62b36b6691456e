using Clado.Tests.Conventions;

namespace Clado.Benchmarks.House;

/// <summary>The numbers of the house: who knows whom, how large its rooms are, what it shows to the street.</summary>
internal static class HouseBenchmark
{
    /// <summary>Compares checkouts that are built in Release.</summary>
    /// <param name="checkouts">Paths, or NAME=PATH; none for the one the command stands in. Shape: [checkouts].</param>
    public static int Run(string[] checkouts)
    {
        Column[] columns = [.. (checkouts is [] ? ["."] : checkouts).Select(Column.Of)];
        Console.WriteLine(
            $"# The house\n\n`dotnet run -c Release --project test/Clado.Benchmarks -- house {string.Join(' ', checkouts)}`\n");
        Console.WriteLine("""
            Folders and the public face are read from the built libraries, the rest from the text. Methods are counted from their first
            modifier to their last brace. Addresses in a line do not count; prose is what stands in documents outside tables and code.

            """);
        Print("", [.. columns.Select(c => c.Name)]);
        Console.WriteLine($"|---|{string.Concat(columns.Select(_ => "---|"))}");
        foreach (var (what, values) in Figures(columns))
        {
            Print(what, values);
        }
        foreach (var column in columns)
        {
            PrintFolders(column);
        }
        foreach (var column in columns)
        {
            PrintLongLists(column);
        }
        return 0;
    }

    private static IEnumerable<(string What, string[] Values)> Figures(Column[] columns)
    {
        (string, string[]) Row(string what, Func<Column, string> value) => (what, [.. columns.Select(value)]);
        yield return Row("cycles between folders", c => $"{c.Cycles.Count}");
        yield return Row("folders, with the root", c => $"{c.Folders.Count}");
        yield return Row("public types", c => $"{c.Face.Types}");
        yield return Row("public members", c => $"{c.Face.Members}");
        yield return Row("generated public types, members", c => $"{c.Face.GeneratedTypes}, {c.Face.GeneratedMembers}");
        yield return Row("files of src", c => $"{c.Text.Sources.Count}");
        yield return Row("lines of src", c => $"{c.Text.Sources.Sum(f => f.Lines)}");
        yield return Row("median file, lines", c => $"{Median([.. c.Text.Sources.Select(f => f.Lines)])}");
        yield return Row("largest file, lines", c => Largest(c.Text.Sources.Select(f => (Path.GetFileName(f.Name), f.Lines))));
        yield return Row("files above 200 lines", c => $"{c.Text.Sources.Count(f => f.Lines > 200)}");
        yield return Row("median method, lines", c => $"{Median([.. SourceTree.Methods(c.Text.Sources).Select(m => m.Lines)])}");
        yield return Row("largest method, lines", c => Largest(SourceTree.Methods(c.Text.Sources)));
        yield return Row("methods above 40 lines", c => $"{SourceTree.Methods(c.Text.Sources).Count(m => m.Lines > 40)}");
        yield return Row("lists of more than 7 parameters", c => $"{SourceTree.LongLists(c.Text.Sources).Count()}");
        yield return Row("lines over 140 characters, src", c => $"{SourceTree.LongLines(c.Text.Sources)}");
        yield return Row("lines over 140 characters, test", c => $"{SourceTree.LongLines(c.Text.Tests)}");
        yield return Row("lines over 140 characters, prose", c => $"{c.Text.LongLinesOfProse()}");
    }

    private static void PrintFolders(Column column)
    {
        Console.WriteLine($"\n## Who knows whom, {column.Name}\n");
        Console.WriteLine(column.Cycles.Count == 0
            ? "No cycle."
            : string.Join('\n', column.Cycles.Select(cycle => $"Cycle: {string.Join(", ", cycle.Select(FolderName))}.")));
        Console.WriteLine("\n| folder | knows |\n|---|---|");
        foreach (var (folder, known) in column.Folders)
        {
            Print(FolderName(folder), [string.Join(", ", known.Keys.Select(FolderName))]);
        }
    }

    private static void PrintLongLists(Column column)
    {
        Console.WriteLine($"\n## More than 7 parameters, {column.Name}\n");
        var lists = SourceTree.LongLists(column.Text.Sources).OrderByDescending(list => list.Parameters).ToArray();
        Console.WriteLine(lists.Length == 0 ? "None." : string.Join('\n', lists.Select(list => $"- {list.Parameters}: {list.Name}")));
    }

    private static void Print(string what, string[] values) => Console.WriteLine($"| {what} | {string.Join(" | ", values)} |");

    private static int Median(int[] values) => values.Order().ElementAt(values.Length / 2);

    private static string Largest(IEnumerable<(string Name, int Lines)> all) =>
        all.MaxBy(one => one.Lines) is var (name, lines) ? $"{lines}: {name}" : "";

    private static string FolderName(string folder) => folder.Length > 0 ? $"`{folder}`" : "(root)";

    private sealed record Column(string Name, SourceTree Text, BuiltCheckout Built)
    {
        public IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> Folders { get; } = Built.Folders();

        public (int Types, int Members, int GeneratedTypes, int GeneratedMembers) Face { get; } = Built.Face();

        public IReadOnlyList<string[]> Cycles => FolderDependencies.Cycles(Folders);

        public static Column Of(string checkout)
        {
            string[] parts = checkout.Split('=', 2);
            return new Column(parts[0], new SourceTree(parts[^1]), new BuiltCheckout(parts[^1]));
        }
    }
}
