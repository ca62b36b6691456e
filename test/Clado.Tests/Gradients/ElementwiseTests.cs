using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.AttributeProto.Types;

namespace Clado.Tests.Gradients;

/// <summary>Rules of operators that take numbers one by one.</summary>
public class ElementwiseTests
{
    [Theory]
    [InlineData("Cos")]
    [InlineData("Erf")]
    [InlineData("Exp")]
    [InlineData("Gelu")]
    [InlineData("Identity")]
    [InlineData("Mish")]
    [InlineData("Neg")]
    [InlineData("Sigmoid")]
    [InlineData("Sin")]
    [InlineData("Sinh")]
    [InlineData("Cosh")]
    [InlineData("Asinh")]
    [InlineData("Atan")]
    [InlineData("Softplus")]
    [InlineData("Softsign")]
    [InlineData("Tanh")]
    [InlineData("Softmax")]
    [InlineData("LogSoftmax")]
    public void SmoothFunctions(string op) => Differences.Check(Net(op), []);

    [Theory]
    [InlineData("Acosh", 1.5f)]
    [InlineData("Log", 0)]
    [InlineData("Reciprocal", 0)]
    [InlineData("Sqrt", 0)]
    public void FunctionsOfPositiveNumbers(string op, float offset) => Differences.Check(
        Net(op), [], values: (random, count) => [.. Differences.Positive(random, count).Select(value => value + offset)]);

    [Theory]
    [InlineData("Acos")]
    [InlineData("Asin")]
    [InlineData("Atanh")]
    [InlineData("Tan")]
    public void FunctionsOfSmallNumbers(string op) => Differences.Check(Net(op), [], values: Differences.Small);

    [Theory]
    [InlineData("Abs")]
    [InlineData("Celu")]
    [InlineData("Elu")]
    [InlineData("HardSigmoid")]
    [InlineData("HardSwish")]
    [InlineData("LeakyRelu")]
    [InlineData("Relu")]
    [InlineData("Selu")]
    [InlineData("Shrink")]
    [InlineData("ThresholdedRelu")]
    public void FunctionsWithKinks(string op) => Differences.Check(Net(op), [], values: Differences.BesideKinks);

    [Theory]
    [InlineData("Celu", "alpha", 1.5f)]
    [InlineData("Elu", "alpha", 0.5f)]
    [InlineData("HardSigmoid", "alpha", 0.4f)]
    [InlineData("LeakyRelu", "alpha", 0.3f)]
    [InlineData("Selu", "gamma", 2f)]
    [InlineData("Shrink", "lambd", 1f)]
    [InlineData("ThresholdedRelu", "alpha", 0.5f)]
    public void AttributesAreRead(string op, string name, float value) => Differences.Check(Net(op, Float(name, value)), [],
        values: op == "HardSigmoid" ? (random, count) => [.. Differences.BesideKinks(random, count).Select(v => v + 0.01f)]
            : Differences.BesideKinks);

    [Fact]
    public void GeluByTanh() => Differences.Check(Net("Gelu", NodeExtensions.Attribute("approximate", "tanh")), []);

    [Theory]
    [InlineData("Softmax")]
    [InlineData("LogSoftmax")]
    public void AxesOfDistributions(string op)
    {
        foreach (int axis in new[] { 1, 2, -2 })
        {
            Differences.Check(Net(op, NodeExtensions.Attribute("axis", axis)), []);
        }
    }

    /// <summary>Both operands in any shapes that broadcast: either is summed over what it was repeated in.</summary>
    [Theory]
    [InlineData("Add")]
    [InlineData("Sub")]
    [InlineData("Mul")]
    [InlineData("Div")]
    [InlineData("Pow")]
    [InlineData("Max")]
    [InlineData("Min")]
    [InlineData("Mean")]
    [InlineData("Sum")]
    [InlineData("PRelu")]
    public void BroadcastOperands(string op) => Shapes.Sample(
        shape =>
        {
            var net = new NetworkBuilder(shape.Seed, input: shape.Input);
            Constant(net, "w", shape.Seed, shape.Constant, isPositive: op is "Div" or "Pow");
            bool turned = shape.Seed % 2 == 0 && op != "PRelu";
            net.Add(op, turned ? ["w", "x"] : ["x", "w"], "y");
            Differences.Check(net.Build(), ["w"], op is "Add" or "Sub" or "Sum" or "Mean" ? null : 0.008, shape.Seed,
                op switch
                {
                    "Div" or "Pow" => Differences.Positive,
                    "Max" or "Min" or "PRelu" => Differences.Apart,
                    _ => null,
                });
        },
        iter: 12);

    [Fact]
    public void ThreeOperandsShare()
    {
        var net = new NetworkBuilder(3, input: [4, 3]);
        Constant(net, "w", 3, [4, 1], isPositive: false);
        net.Add("Max", ["x", "w", "x"], "y");
        Differences.Check(net.Build(), ["w"], 0.008, values: Differences.Apart);
    }

    [Theory]
    [InlineData(2f)]
    [InlineData(0.5f)]
    public void ConstantPowers(float power)
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("p", [power]));
        Differences.Check(net.Add("Pow", ["x", "p"], "y").Build(), [], 0.01, values: Differences.Positive);
    }

    [Fact]
    public void ANegativeNumberSquared()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("p", [2]));
        Differences.Check(net.Add("Pow", ["x", "p"], "y").Build(), []);
    }

    [Fact]
    public void Where()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        Constant(net, "w", 1, [4, 1], isPositive: false);
        Constant(net, "v", 2, [3], isPositive: false);
        net.Model.Graph.Initializer.Add(TensorData.Singles("zero", [0f]));
        net.Add("Greater", ["x", "zero"], "c").Add("Mul", ["x", "w"], "m").Add("Where", ["c", "m", "v"], "y");
        Differences.Check(net.Build(), ["w", "v"], values: Differences.BesideKinks);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Clip(bool hasLow, bool hasHigh)
    {
        var net = new NetworkBuilder(1, input: [4, 5]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("low", [-1f]));
        net.Model.Graph.Initializer.Add(TensorData.Singles("high", [1.5f]));
        net.Add("Clip", ["x", hasLow ? "low" : "", hasHigh ? "high" : ""], "y");
        Differences.Check(net.Build(), [.. hasLow ? ["low"] : Array.Empty<string>(), .. hasHigh ? ["high"] : Array.Empty<string>()],
            values: Differences.BesideKinks);
    }

    [Fact]
    public void RemaindersOfFloats()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("d", [0.25f]));
        net.Add("Mod", ["x", "d"], "y", NodeExtensions.Attribute("fmod", 1));
        Differences.Check(net.Build(), [], values: Differences.BesideKinks);
    }

    /// <summary>Input for one image, and a constant that broadcasts with it: axes of length one, or missing, on either side.</summary>
    private static readonly Gen<(int Seed, long[] Input, long[] Constant)> Shapes =
        from seed in Gen.Int[1, 1 << 20]
        from rank in Gen.Int[1, 3]
        from dims in Gen.Long[1, 4].Array[rank]
        from ones in Gen.Bool.Array[rank]
        from shared in Gen.Bool.Array[rank]
        from kept in Gen.Int[0, rank]
        select (seed, dims.Zip(ones, (dim, one) => one ? 1 : dim).ToArray(),
            dims.Zip(shared, (dim, one) => one ? 1 : dim).Skip(rank - kept).ToArray());

    private static void Constant(NetworkBuilder net, string name, int seed, long[] shape, bool isPositive)
    {
        var random = new Random(seed);
        int count = (int)shape.Aggregate(1L, (a, b) => a * b);
        var values = isPositive ? Differences.Positive(random, count) : [.. Differences.Apart(random, count).Select(v => v + 0.025f)];
        net.Model.Graph.Initializer.Add(TensorData.Singles(name, values, shape));
    }

    private static ModelProto Net(string op, params AttributeProto[] attributes) =>
        new NetworkBuilder(1, input: [4, 3, 5]).Then(op, "y", null, attributes).Build();

    internal static AttributeProto Float(string name, float value) => new() { Name = name, Type = AttributeType.Float, F = value };
}
