using Clado.Onnx;

namespace Clado.Gradients.Rules;

/// <summary>Convolutions and transposed ones.</summary>
internal static class ConvolutionRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["Conv"] = Conv,
        ["ConvTranspose"] = ConvTranspose,
    };

    private static void Conv(LocalGradient at)
    {
        var (image, weight, places) = (at.Shape(0), at.Shape(1), at.OutputShape());
        var correlation = new Correlation(
            Window.Of(at, weight.Shape.Skip(Window.Leading), image, places), at.Node.Integer("group", 1), image.Shape[1], places.Shape[1]);
        if (at.Wants(0))
        {
            at.Give(0, correlation.ByInput(at.G, at.X(1)));
        }
        if (at.Wants(1))
        {
            at.GiveShared(1, correlation.ByWeight(at.X(0), at.G), image.Shape[0]);
        }
        Bias(at);
    }

    /// <summary>It is the adjoint of a convolution by its input: forward and backward change places.</summary>
    private static void ConvTranspose(LocalGradient at)
    {
        var (places, weight, image) = (at.Shape(0), at.Shape(1), at.OutputShape());
        var correlation = new Correlation(
            Window.Of(at, weight.Shape.Skip(Window.Leading), image, places), at.Node.Integer("group", 1), image.Shape[1], places.Shape[1]);
        if (at.Wants(0))
        {
            at.Give(0, correlation.Forward(at.G, at.X(1)));
        }
        if (at.Wants(1))
        {
            at.GiveShared(1, correlation.ByWeight(at.G, at.X(0)), places.Shape[0]);
        }
        Bias(at);
    }

    /// <summary>A bias is added to every place of its channel.</summary>
    private static void Bias(LocalGradient at)
    {
        if (at.Has(2) && at.Wants(2))
        {
            int rank = at.OutputShape().Shape.Count;
            long[] spatial = [.. Enumerable.Range(Window.Leading, rank - Window.Leading).Select(axis => (long)axis)];
            at.GiveShared(2, at.G.SumAway(spatial), at.OutputShape().Shape[0]);
        }
    }
}
