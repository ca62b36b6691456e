using System.Text.RegularExpressions;

namespace Clado.Reports;

/// <summary>Names of layers and blocks as short as they can be told apart: exporters' names are paths that say much twice.</summary>
internal static partial class LayerNames
{
    /// <summary>Short names, as different as the names are.</summary>
    /// <param name="names">Names of the layers, each once. Shape: [layers].</param>
    /// <param name="ops">Their operators. Shape: [layers].</param>
    /// <returns>Shape: [layers].</returns>
    public static IReadOnlyList<string> Short(IReadOnlyList<string> names, IReadOnlyList<string> ops)
    {
        string[][] paths = [.. names.Select(name => name.Split('/', StringSplitOptions.RemoveEmptyEntries))];
        paths = Tried(paths, [.. paths.Zip(ops, WithoutOperator)]);
        paths = Tried(paths, [.. paths.Select(WithoutRepetition)]);
        int common = paths.Length < 2 ? 0 : Enumerable.Range(0, paths.Min(path => path.Length))
            .TakeWhile(i => paths.All(path => path[i] == paths[0][i])).Count();
        paths = Tried(paths, [.. paths.Select(path => path[common..])]);
        return AreApart(paths) ? [.. paths.Select(path => string.Join('/', path))] : names;
    }

    /// <summary>What several layers are called together: what their names have in common, else the first and the last.</summary>
    /// <param name="names">Short names of neighbours. Shape: [layers].</param>
    public static string Together(IReadOnlyList<string> names)
    {
        if (names.Count == 1)
        {
            return names[0];
        }
        string[][] parts = [.. names.Select(name => Separators().Split(name))];
        int common = Enumerable.Range(0, parts.Min(own => own.Length)).TakeWhile(i => parts.All(own => own[i] == parts[0][i])).Count();
        // Separators stand between the parts: they are parts themselves.
        string shared = string.Concat(parts[0].Take(common)).TrimEnd('/', '.', '_');
        return shared.Length > 0 ? shared : $"{names[0]} … {names[^1]}";
    }

    /// <summary>Shorter paths, where they still tell layers apart.</summary>
    private static string[][] Tried(string[][] paths, string[][] shorter) => AreApart(shorter) ? shorter : paths;

    private static bool AreApart(string[][] paths) =>
        paths.All(path => path.Length > 0) && paths.Select(path => string.Join('/', path)).Distinct().Count() == paths.Length;

    /// <summary>Without the operator that exporters put at the end.</summary>
    private static string[] WithoutOperator(string[] path, string op) =>
        path.Length > 1 && Regex.IsMatch(path[^1], $@"^{Regex.Escape(op)}(_\d+)?$") ? path[..^1] : path;

    /// <summary>Without parts that the next one begins with: layer1/layer1.0.</summary>
    private static string[] WithoutRepetition(string[] path) =>
        [.. path.Where((part, i) => i + 1 == path.Length || !path[i + 1].StartsWith(part + ".", StringComparison.Ordinal))];

    [GeneratedRegex("([/._])")]
    private static partial Regex Separators();
}
