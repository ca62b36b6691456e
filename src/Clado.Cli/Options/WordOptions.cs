using System.CommandLine;
using System.CommandLine.Completions;
using Clado.Cli.Output;

namespace Clado.Cli.Options;

/// <summary>Options whose value is one of some words.</summary>
internal static class WordOptions
{
    /// <summary>Takes these words in any case, and no others.</summary>
    /// <param name="option">The option.</param>
    /// <param name="words">The words. Shape: [words].</param>
    public static Option<T> OneOf<T>(this Option<T> option, params IEnumerable<string> words) where T : class?
    {
        string[] known = [.. words];
        option.CompletionSources.Add(known);
        option.CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            var word = known.FirstOrDefault(own => own.Equals(text, StringComparison.OrdinalIgnoreCase));
            if (word is null && text.Length > 0)
            {
                result.AddError($"is none of {string.Join(", ", known)}{Spelling.Hint(text, known)}");
            }
            return (T)(object?)word!;
        };
        return option;
    }

    /// <summary>The words that an option takes, or an argument; empty where it takes others. Shape: [words].</summary>
    public static string[] Words(Symbol symbol) => symbol is Option { ValueType: var type } && type == typeof(bool) ? []
        : [.. symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label).Where(word => !word.StartsWith('-'))];
}
