using Clado.Onnx;

namespace Clado.Gradients.Rules;

/// <summary>Activations. Defaults of attributes are the operators' own.</summary>
internal static class ActivationRules
{
    // Of Selu, as its operator has them.
    private const float SeluAlpha = 1.67326319217681884765625f, SeluGamma = 1.05070102214813232421875f;

    // Of the approximation of Gelu by tanh.
    private const float TanhCubic = 0.044715f;

    public static Dictionary<string, GradientRule> Table { get; } = new Dictionary<string, Func<LocalGradient, Value, Value>>
    {
        ["Celu"] = (at, x) => Below(x, (x / at.Node.Single("alpha", 1)).Exp()),
        ["Elu"] = (at, x) => Below(x, x.Exp() * at.Node.Single("alpha", 1)),
        ["Gelu"] = (at, x) => at.Node.Text("approximate") == "tanh" ? TanhGelu(x) : Gelu(x),
        ["HardSigmoid"] = HardSigmoid,
        ["HardSwish"] = (at, x) => Between(x, -3, 3).Mask((x * (1 / 3f)) + 0.5f) + (x >= at.Nodes.Scalar(3)).ToFloat(),
        ["LeakyRelu"] = (at, x) => Slope(x, at.Node.Single("alpha", 0.01f)),
        ["Mish"] = Mish,
        ["Selu"] = Selu,
        ["Shrink"] = (at, x) => 1 - Between(x, -at.Node.Single("lambd", 0.5f), at.Node.Single("lambd", 0.5f)).ToFloat(),
        ["Sigmoid"] = (at, _) => at.Y * (1 - at.Y),
        ["Softplus"] = (_, x) => x.Sigmoid(),
        ["Softsign"] = (_, x) => 1 / (x.Then("Abs") + 1).Square(),
    }.Select(pair => KeyValuePair.Create<string, GradientRule>(pair.Key, at => at.Give(0, at.G * pair.Value(at, at.X(0))))).Concat(
    [
        new("Clip", Clip),
        new("PRelu", PRelu),
        new("Relu", at => at.Give(0, at.G * at.Y.Sign())),
        new("ThresholdedRelu", at => at.Give(0, (at.X(0) > at.Node.Single("alpha", 1)).Mask(at.G))),
    ]).ToDictionary();

    /// <summary>1 above zero, another number below.</summary>
    private static Value Slope(Value x, float below) => ((x > 0).ToFloat() * (1 - below)) + below;

    /// <summary>The derivative 1 above zero, another below.</summary>
    private static Value Below(Value x, Value derivative) => (x > 0).Choose(x.Nodes.Scalar(1), derivative);

    private static Value Between(Value x, float low, float high) => (x > low) & (x < high);

    /// <summary>Φ(x) + x φ(x).</summary>
    private static Value Gelu(Value x)
    {
        var distribution = ((x * (1 / MathF.Sqrt(2))).Then("Erf") + 1) * 0.5f;
        return distribution + (x * (x.Square() * -0.5f).Exp() * (1 / MathF.Sqrt(2 * MathF.PI)));
    }

    /// <summary>½ (1 + t) + ½ x (1 − t²) u′ with t = tanh u, u = √(2/π) (x + c x³).</summary>
    private static Value TanhGelu(Value x)
    {
        float scale = MathF.Sqrt(2 / MathF.PI);
        var square = x.Square();
        var t = (x * ((square * (scale * TanhCubic)) + scale)).Tanh();
        return ((t + 1) * 0.5f) + (x * (1 - t.Square()) * ((square * (1.5f * scale * TanhCubic)) + (0.5f * scale)));
    }

    private static Value HardSigmoid(LocalGradient at, Value x)
    {
        float slope = at.Node.Single("alpha", 0.2f);
        return ((at.Y > 0) & (at.Y < 1)).ToFloat() * slope;
    }

    /// <summary>t + x (1 − t²) σ(x) with t = tanh(softplus x).</summary>
    private static Value Mish(LocalGradient at, Value x)
    {
        var t = x.Then("Softplus").Tanh();
        return t + (x * (1 - t.Square()) * x.Sigmoid());
    }

    private static Value Selu(LocalGradient at, Value x)
    {
        float alpha = at.Node.Single("alpha", SeluAlpha), gamma = at.Node.Single("gamma", SeluGamma);
        return (x > 0).Choose(at.Nodes.Scalar(gamma), x.Exp() * (alpha * gamma));
    }

    /// <summary>
    /// The gradient goes through between the limits, else to the limit that clips. It is told by what comes out, which a convolution in
    /// front can clip itself.
    /// </summary>
    private static void Clip(LocalGradient at)
    {
        var y = at.Y;
        bool isPlain = IsPlain(at, 1) && IsPlain(at, 2);
        Value? above = at.Has(1) && !isPlain ? y > at.X(1) : null, below = at.Has(2) && !isPlain ? y < at.X(2) : null;
        at.Give(0, (above, below) switch
        {
            _ when isPlain => at.G * Inside(at),
            ({ } low, { } high) => (low & high).Mask(at.G),
            ({ } low, null) => low.Mask(at.G),
            (null, { } high) => high.Mask(at.G),
            _ => at.G,
        });
        foreach (var (slot, within) in new[] { (1, above), (2, below) })
        {
            if (within is { } free)
            {
                at.GiveReduced(slot, (!free).Mask(at.G));
            }
        }
    }

    /// <summary>Whether a limit is a finite number that nobody asks for a gradient by.</summary>
    private static bool IsPlain(LocalGradient at, int slot) =>
        at.Has(slot) && !at.Wants(slot) && at.Context.Singles(at.Node.Operand(slot)) is [var limit] && float.IsFinite(limit);

    /// <summary>One between the limits, zero at them: a sign is quicker than comparisons.</summary>
    private static Value Inside(LocalGradient at)
    {
        bool isPositive = at.Context.Singles(at.Node.Operand(1)) is [0];
        return ((isPositive ? at.Y : at.Y - at.X(1)) * (at.X(2) - at.Y)).Sign();
    }

    private static void PRelu(LocalGradient at)
    {
        var isBelow = at.X(0) < 0;
        at.GiveReduced(0, at.G * isBelow.Choose(at.X(1), at.Nodes.Scalar(1)));
        at.GiveReduced(1, at.G * isBelow.Keep(at.X(0)));
    }
}
