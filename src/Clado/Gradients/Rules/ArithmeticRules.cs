using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients.Rules;

/// <summary>Operators of two or more numbers, which are broadcast to one another.</summary>
internal static class ArithmeticRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Add"] = at => Each(at, _ => at.G),
        ["Sum"] = at => Each(at, _ => at.G),
        ["Mean"] = at => Each(at, _ => at.G / at.Slots),
        ["Sub"] = at => Pair(at, at.G, () => -at.G),
        ["Mul"] = at => Pair(at, at.G * at.X(1), () => at.G * at.X(0)),
        ["Div"] = Div,
        ["Pow"] = Pow,
        ["Mod"] = Mod,
        ["Max"] = Extreme,
        ["Min"] = Extreme,
        ["Where"] = Where,
    };

    private static void Each(LocalGradient at, Func<int, Value> gradient)
    {
        for (int slot = 0; slot < at.Slots; slot++)
        {
            at.GiveReduced(slot, gradient(slot));
        }
    }

    private static void Pair(LocalGradient at, Value first, Func<Value> second)
    {
        at.GiveReduced(0, first);
        at.GiveReduced(1, second());
    }

    private static void Div(LocalGradient at)
    {
        var byNumerator = at.G / at.X(1);
        Pair(at, byNumerator, () => -(byNumerator * at.Y));
    }

    /// <summary>b xᵇ⁻¹ and xᵇ log x; the latter is zero where x is not positive, as its limit is at zero.</summary>
    private static void Pow(LocalGradient at)
    {
        var x = at.X(0);
        var exponent = at.Shape(1).Type == DataType.Float ? at.X(1) : at.X(1).ToFloat();
        if (at.Context.Singles(at.Node.Operand(1)) is [2])
        {
            at.GiveReduced(0, at.G * x * 2);
        }
        else
        {
            at.GiveReduced(0, at.G * exponent * x.Then("Pow", exponent - 1));
        }
        var positive = x > 0;
        at.GiveReduced(1, at.G * positive.Keep(at.Y * positive.Choose(x, at.Nodes.Scalar(1)).Log()));
    }

    /// <summary>The remainder with the dividend's sign: x − b trunc(x / b).</summary>
    private static void Mod(LocalGradient at)
    {
        if (at.Node.Integer("fmod", 0) == 0)
        {
            throw at.Refused("it is one of integers");
        }
        at.GiveReduced(0, at.G);
        at.GiveReduced(1, at.G * ((at.Y - at.X(0)) / at.X(1)));
    }

    /// <summary>Those that are the largest or smallest share the gradient.</summary>
    private static void Extreme(LocalGradient at)
    {
        Value[] reached = [.. Enumerable.Range(0, at.Slots).Select(slot => at.X(slot).Is(at.Y).ToFloat())];
        var share = reached.Length == 1 ? at.G : at.G / reached[0].Then("Sum", reached.AsSpan(1));
        Each(at, slot => share * reached[slot]);
    }

    private static void Where(LocalGradient at)
    {
        at.GiveReduced(1, at.X(0).Keep(at.G));
        at.GiveReduced(2, (!at.X(0)).Keep(at.G));
    }
}
