using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>Recognizes vectors that are divided by their length, in whatever operators an exporter writes that.</summary>
internal static class UnitLength
{
    private static readonly HashSet<string> SumsOfSquares = ["ReduceL2", "ReduceSumSquare"];

    // Between the sum of squares and the division: roots, floors against a length of zero, shapes.
    private static readonly HashSet<string> Between =
        ["Sqrt", "Clip", "Max", "Add", "Expand", "Reciprocal", "Pow", "Mul", "Abs", "Where", "Div"];

    /// <summary>Whether a node divides a tensor by its length.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="node">A Div, or a Mul by a reciprocal.</param>
    public static bool IsDivision(Graph graph, NodeProto node)
    {
        return (node.Is("Div") && IsLengthOf(node.Operand(1), node.Operand(0)))
            || (node.Is("Mul") && (IsLengthOf(node.Operand(1), node.Operand(0)) || IsLengthOf(node.Operand(0), node.Operand(1))));

        bool IsLengthOf(string divisor, string vector) => Reaches(graph, divisor, ShapeOnly.Source(graph, vector));
    }

    /// <summary>Whether a divisor comes of the squares of a tensor by a sum, and nothing else but what lengths are made with.</summary>
    private static bool Reaches(Graph graph, string divisor, string vector)
    {
        var open = new Stack<Step>([new Step(divisor, IsSummed: false, IsSquared: false)]);
        var (seen, reached) = (new HashSet<string>(), false);
        while (open.TryPop(out var step))
        {
            var source = ShapeOnly.Source(graph, step.Tensor);
            if (source == vector)
            {
                if (!step.IsSquared)
                {
                    return false;
                }
                reached = true;
            }
            else if (graph.Producer(source) is >= 0 and var producer && seen.Add(source))
            {
                var node = graph.Nodes[producer];
                bool isSquares = node.IsStandard() && SumsOfSquares.Contains(node.OpType), isSum = isSquares || node.Is("ReduceSum");
                if (!isSum && !(node.IsStandard() && Between.Contains(node.OpType)))
                {
                    return false;
                }
                bool isSquared = step.IsSquared || isSquares || (step.IsSummed && (node.Is("Mul") || node.Is("Pow")));
                foreach (var name in node.Operands().Take(isSum ? 1 : int.MaxValue).Where(name => graph.Producer(name) >= 0))
                {
                    open.Push(new Step(name, step.IsSummed || isSum, isSquared));
                }
            }
        }
        return reached;
    }

    /// <summary>A tensor on the way from the divisor to the vector, and what lies between it and the divisor.</summary>
    private readonly record struct Step(string Tensor, bool IsSummed, bool IsSquared);
}
