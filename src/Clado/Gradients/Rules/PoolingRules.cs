using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients.Rules;

/// <summary>Means, maxima and norms over windows.</summary>
internal static class PoolingRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["AveragePool"] = AveragePool,
        ["GlobalAveragePool"] = at => at.Give(0, at.Context.Expand(at.G / Elements(at), at.Node.Operand(0), Spatial(at))),
        ["GlobalMaxPool"] = at => at.Give(0, ReductionRules.Extreme(at.X(0), at.Y, at.G, Spatial(at))),
        ["LpPool"] = LpPool,
        ["MaxPool"] = MaxPool,
        ["LRN"] = LocalResponse,
    };

    private static long[] Spatial(LocalGradient at) =>
        [.. Enumerable.Range(Window.Leading, at.Rank(0) - Window.Leading).Select(axis => (long)axis)];

    private static long Elements(LocalGradient at) => at.Shape(0).Shape.Skip(Window.Leading).Aggregate(1L, (a, b) => a * b);

    private static Correlation Sums(LocalGradient at)
    {
        var image = at.Shape(0);
        var window = Window.Of(at, at.Node.Integers("kernel_shape")!, image, at.OutputShape());
        return new Correlation(window, image.Shape[1], image.Shape[1], image.Shape[1]);
    }

    private static Value Ones(LocalGradient at, Correlation sums)
    {
        long[] dims = [sums.Outputs, 1, .. sums.Window.Kernel];
        var ones = new float[dims.Aggregate(1L, (product, dim) => product * dim)];
        Array.Fill(ones, 1);
        return at.Nodes.Singles(ones, dims);
    }

    /// <summary>Each pixel gets an equal share of every window it is in. Windows at the border may have fewer pixels.</summary>
    private static void AveragePool(LocalGradient at)
    {
        var sums = Sums(at);
        bool countsPads = at.Node.Integer("count_include_pad", 0) != 0;
        var sizes = at.Shape(0).Shape.Skip(Window.Leading).ToArray();
        long[] places = [.. at.OutputShape().Shape.Skip(Window.Leading)];
        float[][] counts = [.. places.Select((count, axis) => Counts(at.Node, sums.Window, axis, sizes[axis], count, countsPads))];
        var product = counts.Aggregate(
            (IEnumerable<float>)[1f], (all, axis) => all.SelectMany(outer => axis.Select(inner => outer * inner))).ToArray();
        var divisor = product.Distinct().Count() == 1
            ? at.Nodes.Scalar(product[0]) : at.Nodes.Singles(product, [1, 1, .. places]);
        at.Give(0, sums.ByInput(at.G / divisor, Ones(at, sums)));
    }

    /// <summary>How many pixels the windows have along an axis, pads among them where they count. Shape: [places].</summary>
    private static float[] Counts(NodeProto node, Window window, int axis, long size, long places, bool countsPads)
    {
        long behind = node.Text("auto_pad") is { } automatic && automatic != "NOTSET" ? Math.Max(0, window.Ends[axis])
            : node.Integers("pads") is { Length: > 0 } pads ? pads[window.Rank + axis] : 0;
        var counts = new float[places];
        for (int place = 0; place < places; place++)
        {
            long start = (place * window.Strides[axis]) - window.Begins[axis];
            counts[place] = Enumerable.Range(0, (int)window.Kernel[axis]).Select(i => start + (i * window.Dilations[axis]))
                .Count(pixel => countsPads ? pixel < size + behind : pixel >= 0 && pixel < size);
        }
        return counts;
    }

    /// <summary>g (x / y)ᵖ⁻¹, with the signs of x, summed over the windows a pixel is in.</summary>
    private static void LpPool(LocalGradient at)
    {
        var sums = Sums(at);
        long p = at.Node.Integer("p", 2);
        var x = at.X(0);
        var magnitude = p == 1 ? x.Sign() : x.Sign() * x.Then("Abs").Then("Pow", at.Nodes.Scalar(p - 1));
        var shares = p == 1 ? at.G : (at.Y > 0).Keep(at.G / at.Y.Then("Pow", at.Nodes.Scalar(p - 1)));
        at.Give(0, sums.ByInput(shares, Ones(at, sums)) * magnitude);
    }

    /// <summary>The derivative of a p-norm: sign(x) (|x| / y)ᵖ⁻¹, zero where the norm is.</summary>
    public static Value Norm(Value x, Value y, long p) =>
        p == 1 ? x.Sign() : (y > 0).Keep(x.Sign() * (x.Then("Abs") / y).Then("Pow", x.Nodes.Scalar(p - 1)));

    /// <summary>The gradient goes to the pixel that was the largest; one that is in several windows gets their sum.</summary>
    private static void MaxPool(LocalGradient at)
    {
        if (at.Node.Integer("storage_order", 0) != 0)
        {
            throw at.Refused("it counts places by columns");
        }
        var places = at.Extra(1);
        var flat = at.Nodes.Integers(-1);
        var zeros = at.X(0).Then("Size").Unsqueeze(0).Then("ConstantOfShape");
        var scattered = zeros.With(
            "ScatterElements", [Attribute("axis", 0), Attribute("reduction", "add")],
            places.Then("Reshape", flat), at.G.Then("Reshape", flat));
        at.Give(0, at.Context.Reshape(scattered, at.Node.Operand(0)));
    }

    /// <summary>
    /// y = x s^−β, s = k + α/n Σ x² over neighbouring channels: g s^−β − 2αβ/n x Σ′ g y / s, where Σ′ is over the channels whose sums a
    /// channel is in.
    /// </summary>
    private static void LocalResponse(LocalGradient at)
    {
        TensorInfo shape = at.Shape(0);
        long channels = shape.Shape[1], size = at.Node.Integer("size", 1);
        float alpha = at.Node.Single("alpha", 1e-4f), beta = at.Node.Single("beta", 0.75f), bias = at.Node.Single("bias", 1);
        var band = new float[channels * channels];
        for (long c = 0; c < channels; c++)
        {
            long first = Math.Max(0, c - ((size - 1) / 2)), last = Math.Min(channels - 1, c + (size / 2));
            for (long other = first; other <= last; other++)
            {
                band[(c * channels) + other] = 1;
            }
        }
        var neighbours = at.Nodes.Singles(band, channels, channels);
        var x = at.X(0).Reshape(0, 0, -1);
        var (g, y) = (at.G.Reshape(0, 0, -1), at.Y.Reshape(0, 0, -1));
        var s = (neighbours.MatMul(x.Square()) * (alpha / size)) + bias;
        var shared = neighbours.Transpose(1, 0).MatMul(g * y / s);
        var gradient = (g * s.Then("Pow", at.Nodes.Scalar(-beta))) - (x * shared * (2 * alpha * beta / size));
        at.Give(0, at.Context.Reshape(gradient, at.Node.Operand(0)));
    }
}
