using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>The rule of rounding to integers.</summary>
public class QuantizationRuleTests
{
    /// <summary>
    /// Straight through: where nothing is clipped the gradient is that without rounding. The difference is over many steps of the grid, so
    /// that rounding hardly shows.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RoundingGoesStraightThrough(bool isByChannel)
    {
        var net = new NetworkBuilder(1, input: [2, 30]);
        float[] scales = isByChannel ? [1e-4f, 2e-4f] : [1e-4f];
        net.Model.Graph.Initializer.Add(TensorData.Singles("scale", scales, isByChannel ? [2] : []));
        net.Model.Graph.Initializer.Add(TensorData.Create(
            "zero", TensorProto.Types.DataType.Int16, new byte[2 * scales.Length], isByChannel ? [2] : []));
        net.Then("QuantizeLinear", "q", ["scale", "zero"], Attribute("axis", 1));
        net.Then("DequantizeLinear", "d", ["scale", "zero"], Attribute("axis", 1)).Add("Mul", ["d", "x"], "y");
        // A third is clipped: its product is linear in x, not square.
        Differences.Check(net.Build(), [], 0.1, values: (random, count) =>
            [.. Enumerable.Range(0, count).Select(i => i % 3 == 0 ? 9f : (2 * random.NextSingle()) - 1)]);
    }

    /// <summary>
    /// Scales get what is left of rounding: (q − x / s) g where nothing is clipped, else the last code, each as far from the zero point.
    /// </summary>
    [Fact]
    public void ScalesGetWhatRoundingLeaves()
    {
        float[] x = [0.3f, -0.71f, 1.2f, 90, -90, 0.04f], scales = [0.1f, 0.25f], seed = [1, -2, 3, 0.5f, 0.7f, -1];
        var net = new NetworkBuilder(1, input: [2, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("scale", scales, 2));
        net.Model.Graph.Initializer.Add(TensorData.Create("zero", TensorProto.Types.DataType.Uint8, [100, 120], 2));
        net.Then("QuantizeLinear", "q", ["scale", "zero"], Attribute("axis", 1));
        net.Then("DequantizeLinear", "y", ["scale", "zero"], Attribute("axis", 1));
        var made = GradientGraph.Of(net.BuildGraph("y"), [new Seed.Given("y", "seed")], ["scale", "x"]);
        using var session = new GraphSession(made.Model, "test.onnx");
        using var values = new InputFeed
        {
            { "x", OrtValue.CreateTensorValueFromMemory(x, [1, 2, 3]) },
            { "seed", OrtValue.CreateTensorValueFromMemory(seed, [1, 2, 3]) },
        };
        using var results = session.Run(values);
        var byScale = results[session.Outputs.ToList().IndexOf(made.Gradient("scale"))].GetTensorDataAsSpan<float>().ToArray();
        var byInput = results[session.Outputs.ToList().IndexOf(made.Gradient("x"))].GetTensorDataAsSpan<float>().ToArray();
        double[] zeros = [100, 120], expected = [0, 0];
        for (int i = 0; i < x.Length; i++)
        {
            int channel = i / 3;
            double place = x[i] / (double)scales[channel], code = Math.Round(place) + zeros[channel];
            bool isClipped = code is < 0 or > 255;
            expected[channel] += seed[i] * (isClipped ? Math.Clamp(code, 0, 255) - zeros[channel] : Math.Round(place) - place);
            Assert.Equal(isClipped ? 0 : seed[i], byInput[i], 5);
        }
        Assert.Equal(expected[0], byScale[0], 4);
        Assert.Equal(expected[1], byScale[1], 4);
    }
}
