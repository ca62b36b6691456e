using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>Rules of operators that take elements from places, or put them there. Most are linear: their law is exact.</summary>
public class SelectionTests
{
    [Fact]
    public void Slices() => Gen.Select(Gen.Int[-8, 8], Gen.Int[-8, 8], Gen.Int[-3, 3], Gen.Int[1, 2], Gen.Bool).Where(
        s => s.Item3 != 0).Sample((start, end, step, axis, isAbsent) =>
        {
            int length = axis == 1 ? 5 : 6;
            if (!Enumerable.Range(0, length).ToArray().AsEnumerable().Any(place => IsTaken(place, start, end, step, length)))
            {
                return;
            }
            var net = new NetworkBuilder(1, input: [5, 6]);
            net.Model.Graph.Initializer.Add(TensorData.Integers("starts", [start], 1));
            net.Model.Graph.Initializer.Add(TensorData.Integers("ends", [end], 1));
            net.Model.Graph.Initializer.Add(TensorData.Integers("axes", [isAbsent ? axis : axis - 3], 1));
            net.Model.Graph.Initializer.Add(TensorData.Integers("steps", [step], 1));
            Differences.Linear(net.Then("Slice", "y", ["starts", "ends", "axes", "steps"]));
        },
        iter: 60);

    /// <summary>Sizes that an exporter computes of shapes when the network runs are known.</summary>
    [Fact]
    public void SlicesByComputedSizes()
    {
        var net = new NetworkBuilder(1, input: [5, 6]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("two", [2], 1));
        net.Add("Shape", ["x"], "shape").Add("Gather", ["shape", "two"], "size").Add("Div", ["size", "two"], "half");
        Differences.Linear(net.Add("Slice", ["x", "half", "size", "two"], "y"));
    }

    [Theory]
    [InlineData("constant", 2, 1)]
    [InlineData("constant", -1, 2)]
    [InlineData("reflect", 3, 2)]
    [InlineData("edge", 2, 3)]
    [InlineData("wrap", 2, 3)]
    public void Pads(string mode, int before, int behind)
    {
        var net = new NetworkBuilder(1, input: [2, 4, 5]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("pads", [0, 0, before, 1, 0, 0, behind, 2], 8));
        Differences.Linear(net.Then("Pad", "y", ["pads"], Attribute("mode", mode)));
    }

    [Fact]
    public void PadsOfAxes()
    {
        var net = new NetworkBuilder(1, input: [2, 4, 5]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("pads", [1, 2], 2));
        net.Model.Graph.Initializer.Add(TensorData.Integers("axes", [-2], 1));
        net.Model.Graph.Initializer.Add(TensorData.Singles("value", [0.5f]));
        net.Then("Pad", "y", ["pads", "value", "axes"]);
        Differences.Linear(net, "value");
    }

    [Fact]
    public void Gathers() => Gen.Select(Gen.Int[-5, 4].Array[1, 7], Gen.Bool, Gen.Int[1, 3]).Sample(
        (places, isMatrix, axis) =>
        {
            var net = new NetworkBuilder(1, input: [5, 5, 5]);
            long[] values = [.. places.Select(p => (long)p)];
            net.Model.Graph.Initializer.Add(TensorData.Integers("places", values, isMatrix ? [1, values.Length, 1] : [values.Length]));
            Differences.Linear(net.Then("Gather", "y", ["places"], Attribute("axis", axis)));
        },
        iter: 30);

    [Fact]
    public void GatherOfOne()
    {
        var net = new NetworkBuilder(1, input: [5, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("place", [2]));
        Differences.Linear(net.Then("Gather", "y", ["place"], Attribute("axis", 1)));
    }

    /// <summary>A table that every image takes from, at places that the image says.</summary>
    [Fact]
    public void GathersOfATable()
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Weight("table", 6, 3);
        net.Then("Abs", "a").Then("Floor", "f").Add("Cast", ["f"], "places", Attribute("to", 7));
        net.Model.Graph.Initializer.Add(TensorData.Integers("five", [5]));
        net.Add("Min", ["places", "five"], "near").Add("Gather", ["table", "near"], "y", Attribute("axis", 0));
        Differences.Check(net.Build(), ["table"], 0.02, values: Differences.BesideKinks);
    }

    [Theory]
    [InlineData("GatherElements")]
    [InlineData("GatherND")]
    public void ElementsTaken(string op)
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Weight("table", 3, 2);
        net.Model.Graph.Initializer.Add(TensorData.Integers("places", [0, 1, 2, 1, 0, 1], 3, 2));
        net.Then("ReduceMean", "m", null, Attribute("keepdims", 0)).Add("Mul", ["table", "m"], "t").Add(op, ["t", "places"], "y");
        Differences.Check(net.Build(), ["table"], 0.3);
    }

    [Theory]
    [InlineData("ScatterElements", "none")]
    [InlineData("ScatterElements", "add")]
    [InlineData("ScatterND", "none")]
    [InlineData("ScatterND", "add")]
    public void ElementsPut(string op, string reduction)
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Weight("data", 3, 2);
        net.Model.Graph.Initializer.Add(TensorData.Integers("places", op == "ScatterND" ? [0, 1, 2, 1] : [0, 2, 1, 1], 2, 2));
        net.Weight("updates", op == "ScatterND" ? [2] : [2, 2]);
        net.Then("ReduceMean", "m", null, Attribute("keepdims", 0)).Add("Mul", ["data", "m"], "d").Add("Mul", ["updates", "m"], "u");
        net.Add(op, ["d", "places", "u"], "y", Attribute("reduction", reduction));
        Differences.Check(net.Build(), ["data", "updates"], 0.3);
    }

    [Fact]
    public void LargestElements()
    {
        var net = new NetworkBuilder(1, input: [3, 6]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("k", [2], 1));
        var node = Node("TopK", ["x", "k"], "y", Attribute("axis", -1));
        node.Output.Add("places");
        net.Model.Graph.Node.Add(node);
        Differences.Check(net.Build("y"), [], 0.02, values: Differences.Apart);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void ElementsKept(int axis)
    {
        var net = new NetworkBuilder(1, input: [3, 4]);
        net.Model.Graph.Initializer.Add(TensorData.Create("condition", TensorProto.Types.DataType.Bool, [1, 0, 1, 1], 4));
        net.Then("Softplus", "s");
        Differences.Check(net.Then("Compress", "y", ["condition"], axis == 0 ? [] : [Attribute("axis", axis)]).Build(), []);
    }

    [Fact]
    public void SequencesReversed()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("lengths", [2, 3, 1, 3], 4));
        net.Then("Transpose", "t", null, Attribute("perm", 2, 1, 0));
        net.Model.Graph.Initializer.Add(TensorData.Integers("axes", [2], 1));
        Differences.Linear(net.Then("ReverseSequence", "y", ["lengths"], Attribute("batch_axis", 1), Attribute("time_axis", 0)));
    }

    private static bool IsTaken(int place, int start, int end, int step, int length)
    {
        int first = Math.Clamp(start < 0 ? start + length : start, step > 0 ? 0 : -1, step > 0 ? length : length - 1);
        int beyond = Math.Clamp(end < 0 ? Math.Max(-1, end + length) : end, step > 0 ? 0 : -1, length);
        return step > 0 ? place >= first && place < beyond && (place - first) % step == 0
            : place <= first && place > beyond && (first - place) % -step == 0;
    }
}
