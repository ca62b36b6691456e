using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>Products of matrices.</summary>
internal static class ProductRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["MatMul"] = MatMul,
        ["Gemm"] = Gemm,
        ["Einsum"] = EinsumRule.Apply,
    };

    /// <summary>By a: g bᵀ; by b: aᵀ g; each summed over the batches that broadcasting repeated it in.</summary>
    private static void MatMul(LocalGradient at)
    {
        var (a, b) = (at.Shape(0), at.Shape(1));
        if (b.Shape.Count == 2 && a.Shape.Count > 1 && !b.Batched.Contains(true))
        {
            at.Give(0, at.G.MatMul(at.X(1).Turned(2)));
            ByMatrix(at, 1, at.X(0), a, at.G);
            return;
        }
        var (left, right, g) = (at.X(0), at.X(1), at.G);
        var (leftShape, rightShape) = (a, b);
        if (a.Shape.Count == 1)
        {
            (left, leftShape, g) = (left.Unsqueeze(0), With(a, [1, .. a.Shape]), g.Unsqueeze(b.Shape.Count == 1 ? 0 : -2));
        }
        if (b.Shape.Count == 1)
        {
            (right, rightShape, g) = (right.Unsqueeze(1), With(b, [.. b.Shape, 1]), g.Unsqueeze(-1));
        }
        var byLeft = g.MatMul(right.Turned(rightShape.Shape.Count));
        var byRight = left.Turned(leftShape.Shape.Count).MatMul(g);
        Give(at, 0, byLeft, leftShape, rightShape, 0);
        Give(at, 1, byRight, rightShape, leftShape, 1);
    }

    /// <summary>Gives a product its place: of the batches of both operands, in the rows and columns of one.</summary>
    private static void Give(LocalGradient at, int slot, Value gradient, TensorInfo own, TensorInfo other, long added)
    {
        var from = Joined(Leading(own), Leading(other), own);
        var reduced = GradientContext.Reduce(gradient, from, own);
        at.Give(slot, at.Rank(slot) == 1 ? reduced.Squeeze(added) : reduced);
    }

    private static TensorInfo Joined(TensorInfo a, TensorInfo b, TensorInfo matrix)
    {
        var leading = GradientContext.Broadcast(a, b);
        return new TensorInfo(
            a.Type, [.. leading.Shape, .. matrix.Shape.TakeLast(2)], [.. leading.Batched, .. matrix.Batched.TakeLast(2)]);
    }

    private static TensorInfo Leading(TensorInfo info) => new(info.Type, [.. info.Shape.SkipLast(2)], [.. info.Batched.SkipLast(2)]);

    private static TensorInfo With(TensorInfo info, long[] shape) => new(info.Type, shape, new bool[shape.Length]);

    /// <summary>The gradient by one matrix that every row of a tensor is multiplied by: rowsᵀ g.</summary>
    private static void ByMatrix(LocalGradient at, int slot, Value rows, TensorInfo shape, Value gradient)
    {
        long inputs = at.Shape(slot).Shape[0], outputs = at.Shape(slot).Shape[1];
        if (at.IsPerImage(slot))
        {
            PerImageGradient.Check(at, slot, shape);
            long count = shape.ElementCount / inputs;
            at.GiveShared(slot, rows.Reshape(-1, count, inputs).Turned(3).MatMul(gradient.Reshape(-1, count, outputs)), 1);
            return;
        }
        at.Give(slot, rows.Reshape(-1, inputs).Turned(2).MatMul(gradient.Reshape(-1, outputs)));
    }

    /// <summary>Y = α A′ B′ + β C, where a prime may be a transpose.</summary>
    private static void Gemm(LocalGradient at)
    {
        bool turnsA = at.Node.Integer("transA", 0) != 0, turnsB = at.Node.Integer("transB", 0) != 0;
        var g = at.G * at.Node.Single("alpha", 1);
        var (a, b) = (at.X(0), at.X(1));
        at.Give(0, turnsA ? (turnsB ? b.Turned(2) : b).MatMul(g.Turned(2)) : g.MatMul(turnsB ? b : b.Turned(2)));
        if (at.IsPerImage(1))
        {
            ByWeightOfImages(at, turnsA, turnsB, g);
        }
        else
        {
            at.Give(1, turnsB ? g.Turned(2).MatMul(turnsA ? a.Turned(2) : a) : (turnsA ? a : a.Turned(2)).MatMul(g));
        }
        if (at.Has(2))
        {
            at.GiveReduced(2, at.G * at.Node.Single("beta", 1));
        }
    }

    private static void ByWeightOfImages(LocalGradient at, bool turnsA, bool turnsB, Value g)
    {
        if (turnsA)
        {
            throw at.Refused("its images lie in columns, so none has a gradient of its own");
        }
        PerImageGradient.Check(at, 1, at.Shape(0));
        var (rows, columns) = (at.X(0).Unsqueeze(1), g.Unsqueeze(1));
        at.GiveShared(1, turnsB ? columns.Turned(3).MatMul(rows) : rows.Turned(3).MatMul(columns), at.Shape(0).Shape[0]);
    }
}
