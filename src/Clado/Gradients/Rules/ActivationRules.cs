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
        ["HardSwish"] = (_, x) => Between(x, -3, 3).Choose((x * (1 / 3f)) + 0.5f, (x > 0).ToFloat()),
        ["LeakyRelu"] = (at, x) => (x > 0).Choose(at.Nodes.Scalar(1), at.Nodes.Scalar(at.Node.Single("alpha", 0.01f))),
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
        new("Relu", at => at.Give(0, (at.Y > 0).Keep(at.G))),
        new("ThresholdedRelu", at => at.Give(0, (at.X(0) > at.Node.Single("alpha", 1)).Keep(at.G))),
    ]).ToDictionary();

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

    /// <summary>The gradient goes through where nothing is clipped, at the limits too, else to the limit that clips.</summary>
    private static void Clip(LocalGradient at)
    {
        var x = at.X(0);
        Value? low = at.Has(1) ? x < at.X(1) : null, high = at.Has(2) ? x > at.X(2) : null;
        var gradient = at.G;
        foreach (var (slot, outside) in new[] { (1, low), (2, high) }.Where(limit => limit.Item2 is not null))
        {
            gradient = (!outside!.Value).Keep(gradient);
            at.GiveReduced(slot, outside.Value.Keep(at.G));
        }
        at.Give(0, gradient);
    }

    private static void PRelu(LocalGradient at)
    {
        var isBelow = at.X(0) < 0;
        at.GiveReduced(0, at.G * isBelow.Choose(at.X(1), at.Nodes.Scalar(1)));
        at.GiveReduced(1, at.G * isBelow.Keep(at.X(0)));
    }
}
