namespace Clado.Cli.Output;

/// <summary>What somebody may have meant.</summary>
internal static class Spelling
{
    // A word with more mistakes than a third of its letters is another word.
    private const int LettersAMistake = 3;

    /// <summary>Words that could be meant, as the end of a message; empty where none is near.</summary>
    /// <param name="word">What was written.</param>
    /// <param name="known">What is understood. Shape: [words].</param>
    public static string Hint(string word, IEnumerable<string> known) =>
        Nearest(word, known) is { } near ? $"; did you mean {near}?" : "";

    /// <summary>The nearest word; null where none is near.</summary>
    /// <param name="word">What was written.</param>
    /// <param name="known">What is understood. Shape: [words].</param>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        var own = word.ToLowerInvariant();
        var near = known.Select(other => (Word: other, Mistakes: Mistakes(own, other.ToLowerInvariant())))
            .Where(other => other.Mistakes * LettersAMistake <= Math.Max(own.TrimStart('-').Length, LettersAMistake))
            .OrderBy(other => other.Mistakes).FirstOrDefault();
        // Who has begun a word that only one continues means that.
        bool isBegun = own.TrimStart('-').Length > 1;
        string[] begun = [.. known.Where(other => isBegun && other.StartsWith(own, StringComparison.Ordinal))];
        return near.Word ?? (begun is [var only] ? only : null);
    }

    /// <summary>
    /// Letters that have to be changed, added, left out or exchanged with their neighbour to make one word another (the optimal string
    /// alignment distance).
    /// </summary>
    /// <param name="a">A word.</param>
    /// <param name="b">Another.</param>
    internal static int Mistakes(string a, string b)
    {
        var least = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                bool isSwap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                least[i, j] = i == 0 || j == 0 ? i + j : Math.Min(
                    Math.Min(least[i - 1, j], least[i, j - 1]) + 1,
                    Math.Min(least[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), isSwap ? least[i - 2, j - 2] + 1 : int.MaxValue));
            }
        }
        return least[a.Length, b.Length];
    }
}
