namespace Clado.Graphs;

/// <summary>
/// An equation of Einsum with two terms. A label is a letter, or a character that stands for a dimension of the ellipsis.
/// </summary>
/// <param name="Left">Labels of the first operand.</param>
/// <param name="Right">Labels of the second operand.</param>
/// <param name="Output">Labels of the output.</param>
internal sealed record EinsumEquation(string Left, string Right, string Output)
{
    private const string Ellipsis = "...";

    // Dimensions of an ellipsis are called by capital letters of another alphabet.
    private const char FirstOfEllipsis = 'Α';

    /// <summary>Reads an equation; null where it has not two terms, or one whose labels do not fit its operand.</summary>
    /// <param name="text">Such as <c>bij,jk-&gt;bik</c>.</param>
    /// <param name="left">Number of dimensions of the first operand.</param>
    /// <param name="right">Number of dimensions of the second operand.</param>
    public static EinsumEquation? Parse(string text, int left, int right)
    {
        var sides = text.Replace(" ", "", StringComparison.Ordinal).Split("->");
        if (sides.Length > 2 || sides[0].Split(',') is not [var first, var second])
        {
            return null;
        }
        // Ellipses of two operands are aligned at their ends.
        int longest = Math.Max(Dimensions(first, left), Dimensions(second, right));
        string Expanded(string term, int count) => count < 0 || longest < count ? term
            : term.Replace(Ellipsis, Names(longest)[(longest - count)..], StringComparison.Ordinal);
        var (leftLabels, rightLabels) = (Expanded(first, Dimensions(first, left)), Expanded(second, Dimensions(second, right)));
        var output = sides.Length == 2
            ? sides[1].Replace(Ellipsis, Names(longest), StringComparison.Ordinal)
            : Implied(leftLabels + rightLabels, Names(longest));
        bool fits = leftLabels.Length == left && rightLabels.Length == right
            && !(leftLabels + rightLabels + output).Contains('.', StringComparison.Ordinal);
        return fits ? new EinsumEquation(leftLabels, rightLabels, output) : null;
    }

    /// <summary>Dimensions that an ellipsis stands for; 0 where there is none.</summary>
    private static int Dimensions(string term, int rank) =>
        term.Contains(Ellipsis, StringComparison.Ordinal) ? rank - (term.Length - Ellipsis.Length) : 0;

    private static string Names(int count) =>
        string.Concat(Enumerable.Range(0, Math.Max(0, count)).Select(i => (char)(FirstOfEllipsis + i)));

    /// <summary>Without an arrow, the output has the ellipsis, then the labels that occur once, in the order of the alphabet.</summary>
    private static string Implied(string labels, string ellipsis) => ellipsis
        + string.Concat(labels.Where(label => !ellipsis.Contains(label, StringComparison.Ordinal))
            .GroupBy(label => label).Where(group => group.Count() == 1).Select(group => group.Key).Order());
}
