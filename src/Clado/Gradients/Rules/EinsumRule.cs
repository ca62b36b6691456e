using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>
/// Sums of products along named axes. The gradient by a factor is a sum of the same kind, of the output's gradient and the other factors,
/// with ones for the axes that the factor alone has and the sum goes over.
/// </summary>
internal static class EinsumRule
{
    private const char Ellipsis = '.';

    public static void Apply(LocalGradient at)
    {
        var equation = (at.Node.Text("equation") ?? "").Replace(" ", "", StringComparison.Ordinal).Split("->");
        string[] terms = [.. equation[0].Split(',')];
        CheckEllipsis(at, terms);
        var names = Letters(at, terms);
        string[] factors = [.. terms.Select((term, i) => Expanded(term, names))];
        var output = equation.Length > 1 ? Expanded(equation[1], names) : Implicit(factors, names);
        for (int slot = 0; slot < factors.Length; slot++)
        {
            if (factors[slot].Distinct().Count() != factors[slot].Length)
            {
                throw at.Refused("it takes a diagonal");
            }
            if (at.Wants(slot))
            {
                at.Give(slot, By(at, factors, output, slot));
            }
        }
    }

    private static Value By(LocalGradient at, string[] factors, string output, int slot)
    {
        var others = Enumerable.Range(0, factors.Length).Where(i => i != slot).ToArray();
        var known = others.SelectMany(i => factors[i]).Concat(output).ToHashSet();
        var alone = string.Concat(factors[slot].Where(letter => !known.Contains(letter)));
        List<string> subscripts = [output, .. others.Select(i => factors[i])];
        List<Value> values = [.. others.Select(at.X)];
        if (alone.Length > 0)
        {
            if (alone.Any(letter => at.Shape(slot).Batched[factors[slot].IndexOf(letter, StringComparison.Ordinal)]))
            {
                throw at.Refused("it sums over the images");
            }
            long[] dims = [.. alone.Select(letter => at.Shape(slot).Shape[factors[slot].IndexOf(letter, StringComparison.Ordinal)])];
            subscripts.Add(alone);
            var ones = new float[dims.Aggregate(1L, (product, dim) => product * dim)];
            Array.Fill(ones, 1);
            values.Add(at.Nodes.Singles(ones, dims));
        }
        return at.G.With(
            "Einsum", [Attribute("equation", $"{string.Join(',', subscripts)}->{factors[slot]}")], [.. values]);
    }

    /// <summary>
    /// Axes behind an ellipsis have to be the same in all factors that have one: what is repeated in one would have to be summed.
    /// </summary>
    private static void CheckEllipsis(LocalGradient at, string[] terms)
    {
        var hidden = terms.Select((term, i) => (term, i)).Where(pair => pair.term.Contains(Ellipsis)).Select(pair =>
        {
            int start = pair.term.IndexOf(Ellipsis, StringComparison.Ordinal), count = at.Rank(pair.i) - (pair.term.Length - 3);
            return ShapeText.Of(at.Shape(pair.i).Shape.Skip(start).Take(count));
        });
        if (hidden.Distinct().Count() > 1)
        {
            throw at.Refused("it broadcasts behind an ellipsis");
        }
    }

    /// <summary>Letters for the axes behind the ellipsis.</summary>
    private static string Letters(LocalGradient at, string[] terms)
    {
        int with = Array.FindIndex(terms, term => term.Contains(Ellipsis));
        int count = with < 0 ? 0 : at.Rank(with) - (terms[with].Length - 3);
        var used = string.Concat(terms);
        return string.Concat("abcdefghijklmnopqrstuvwxyz".Where(letter => !used.Contains(letter)).Take(count));
    }

    private static string Expanded(string term, string letters) => term.Replace("...", letters, StringComparison.Ordinal);

    /// <summary>
    /// The output of an equation that does not say: axes behind the ellipsis, then letters that occur once, in their order.
    /// </summary>
    private static string Implicit(string[] factors, string letters) =>
        letters + string.Concat(string.Concat(factors).GroupBy(letter => letter)
            .Where(group => group.Count() == 1 && !letters.Contains(group.Key)).Select(group => group.Key).Order());
}
