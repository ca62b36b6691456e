using Clado.Onnx;

namespace Clado.Gradients.Rules;

/// <summary>Distributions along an axis.</summary>
internal static class SoftmaxRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Softmax"] = at => at.Give(0, Softmax(at.G, at.Y, Axis(at))),
        ["LogSoftmax"] = at => at.Give(0, at.G - (at.Y.Exp() * at.G.Sum(Axis(at)))),
    };

    /// <summary>y (g − Σ g y).</summary>
    /// <param name="gradient">g, by the probabilities.</param>
    /// <param name="probabilities">y.</param>
    /// <param name="axis">The axis they add up along.</param>
    public static Value Softmax(Value gradient, Value probabilities, long axis)
    {
        var weighted = gradient * probabilities;
        return weighted - (probabilities * weighted.Sum(axis));
    }

    private static long Axis(LocalGradient at) => at.Node.Integer("axis", -1);
}
