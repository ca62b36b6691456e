using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>Rules of reductions along axes, and of sums along one.</summary>
public class ReductionTests
{
    [Theory]
    [InlineData("ReduceSum")]
    [InlineData("ReduceMean")]
    [InlineData("ReduceMax")]
    [InlineData("ReduceMin")]
    [InlineData("ReduceL1")]
    [InlineData("ReduceL2")]
    [InlineData("ReduceSumSquare")]
    [InlineData("ReduceLogSum")]
    [InlineData("ReduceLogSumExp")]
    [InlineData("ReduceProd")]
    public void Reductions(string op) => Gen.Select(Gen.Int[1, 1 << 20], Gen.Bool.Array[3], Gen.Bool, Gen.Bool).Sample(
        (seed, chosen, keeps, all) =>
        {
            var net = new NetworkBuilder(seed, input: [2, 3, 2]);
            long[] axes = [.. Enumerable.Range(0, 3).Where(axis => chosen[axis]).Select(axis => axis == 1 ? axis - 3 : axis + 1L)];
            net.Model.Graph.Initializer.Add(TensorData.Integers("axes", axes, axes.Length));
            net.Add(op, all ? ["x"] : ["x", "axes"], "y", Attribute("keepdims", keeps ? 1 : 0),
                Attribute("noop_with_empty_axes", all ? 0 : 1));
            Differences.Check(net.Build(), [], op is "ReduceSum" or "ReduceMean" ? null : 0.01, seed, op switch
            {
                "ReduceL1" => Differences.BesideKinks,
                "ReduceLogSum" => Differences.Positive,
                "ReduceProd" => Differences.Positive,
                _ => Differences.Apart,
            });
        },
        iter: 12);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void ProductsWithZeros(int zeros) => Differences.Check(new NetworkBuilder(1, input: [5]).Then("ReduceProd", "y", null,
            Attribute("keepdims", 0)).Build(), [], 0.05, values: (random, count) =>
        {
            var values = Differences.Positive(random, count);
            values.AsSpan(1, zeros).Clear();
            return values;
        });

    [Fact]
    public void CumulativeSums() => Gen.Select(Gen.Int[0, 1], Gen.Int[0, 1], Gen.Int[-2, 2]).Where(c => c.Item3 != 0).Sample(
        (exclusive, reverse, axis) =>
        {
            var net = new NetworkBuilder(1, input: [3, 4]);
            net.Model.Graph.Initializer.Add(TensorData.Integers("axis", [axis]));
            Differences.Linear(net.Then("CumSum", "y", ["axis"], Attribute("exclusive", exclusive), Attribute("reverse", reverse)));
        },
        iter: 10);
}
