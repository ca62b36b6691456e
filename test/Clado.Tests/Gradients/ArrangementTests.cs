using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>Rules of operators that choose, move, repeat and sum elements. Most are linear: their law is exact.</summary>
public class ArrangementTests
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
            Linear(net.Then("CumSum", "y", ["axis"], Attribute("exclusive", exclusive), Attribute("reverse", reverse)));
        },
        iter: 10);

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
            Linear(net.Then("Slice", "y", ["starts", "ends", "axes", "steps"]));
        },
        iter: 60);

    /// <summary>Sizes that an exporter computes of shapes when the network runs are known.</summary>
    [Fact]
    public void SlicesByComputedSizes()
    {
        var net = new NetworkBuilder(1, input: [5, 6]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("two", [2], 1));
        net.Add("Shape", ["x"], "shape").Add("Gather", ["shape", "two"], "size").Add("Div", ["size", "two"], "half");
        Linear(net.Add("Slice", ["x", "half", "size", "two"], "y"));
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
        Linear(net.Then("Pad", "y", ["pads"], Attribute("mode", mode)));
    }

    [Fact]
    public void PadsOfAxes()
    {
        var net = new NetworkBuilder(1, input: [2, 4, 5]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("pads", [1, 2], 2));
        net.Model.Graph.Initializer.Add(TensorData.Integers("axes", [-2], 1));
        net.Model.Graph.Initializer.Add(TensorData.Singles("value", [0.5f]));
        net.Then("Pad", "y", ["pads", "value", "axes"]);
        Linear(net, "value");
    }

    [Fact]
    public void Gathers() => Gen.Select(Gen.Int[-5, 4].Array[1, 7], Gen.Bool, Gen.Int[1, 3]).Sample(
        (places, isMatrix, axis) =>
        {
            var net = new NetworkBuilder(1, input: [5, 5, 5]);
            long[] values = [.. places.Select(p => (long)p)];
            net.Model.Graph.Initializer.Add(TensorData.Integers("places", values, isMatrix ? [1, values.Length, 1] : [values.Length]));
            Linear(net.Then("Gather", "y", ["places"], Attribute("axis", axis)));
        },
        iter: 30);

    [Fact]
    public void GatherOfOne()
    {
        var net = new NetworkBuilder(1, input: [5, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("place", [2]));
        Linear(net.Then("Gather", "y", ["place"], Attribute("axis", 1)));
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
        Linear(net.Then("ReverseSequence", "y", ["lengths"], Attribute("batch_axis", 1), Attribute("time_axis", 0)));
    }

    [Theory]
    [InlineData("Flatten", "axis", 2)]
    [InlineData("Flatten", "axis", -1)]
    [InlineData("Transpose", "perm", 0)]
    [InlineData("DepthToSpace", "blocksize", 2)]
    [InlineData("SpaceToDepth", "blocksize", 2)]
    [InlineData("Trilu", "upper", 0)]
    [InlineData("Trilu", "upper", 1)]
    [InlineData("Cast", "to", 1)]
    [InlineData("Dropout", "seed", 1)]
    public void Arrangements(string op, string name, int value)
    {
        var attribute = name == "perm" ? Attribute("perm", 2, 0, 3, 1) : Attribute(name, (long)value);
        Linear(new NetworkBuilder(1, input: [4, 4, 6]).Then(op, "y", null, attribute));
    }

    [Fact]
    public void ChannelsThatAreColumnsAndRows() => Linear(new NetworkBuilder(1, input: [8, 2, 3]).Then("DepthToSpace", "y", null,
        Attribute("blocksize", 2), Attribute("mode", "CRD")));

    [Theory]
    [InlineData("Reshape", new long[] { -1, 2, 12 })]
    [InlineData("Reshape", new long[] { 0, 0, -1 })]
    [InlineData("Unsqueeze", new long[] { 0, -1 })]
    [InlineData("Expand", new long[] { 2, 1, 4, 6, 1 })]
    [InlineData("Tile", new long[] { 1, 2, 1, 3 })]
    [InlineData("CenterCropPad", new long[] { 7, 3 })]
    public void ArrangementsByLists(string op, long[] list)
    {
        var net = new NetworkBuilder(1, input: op == "Expand" ? [4, 6, 1] : [4, 6, 1]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("list", list, list.Length));
        Linear(net.Then(op, "y", ["list"], op == "CenterCropPad" ? [Attribute("axes", 1, 2)] : []));
    }

    [Fact]
    public void Joints()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Weight("w", 1, 2, 3);
        net.Model.Graph.Initializer.Add(TensorData.Integers("parts", [1, 3], 2));
        var split = Node("Split", ["x", "parts"], "a", Attribute("axis", 1));
        split.Output.Add("b");
        net.Model.Graph.Node.Add(split);
        net.Add("Neg", ["b"], "n").Add("Concat", ["n", "x", "a", "x"], "y", Attribute("axis", -2));
        Linear(net);
    }

    /// <summary>A part of a split that nothing depends on counts as zeros.</summary>
    [Fact]
    public void PartsThatNobodyReads()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Integers("parts", [1, 3], 2));
        var split = Node("Split", ["x", "parts"], "a", Attribute("axis", 1));
        split.Output.Add("b");
        net.Model.Graph.Node.Add(split);
        Linear(net.Add("Neg", ["b"], "y"));
    }

    [Fact]
    public void JointsOfImages()
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Then("Neg", "n").Add("Concat", ["n", "x"], "c", Attribute("axis", 0));
        net.Model.Graph.Initializer.Add(TensorData.Integers("shape", [2, -1, 4], 3));
        net.Then("Reshape", "r", ["shape"]).Then("Transpose", "y", null, Attribute("perm", 1, 0, 2));
        Linear(net);
    }

    [Fact]
    public void Resizes()
    {
        var modes = Gen.OneOf([.. new[] { "nearest", "linear", "cubic" }.Select(Gen.Const)]);
        var transforms = Gen.OneOf([.. new[] { "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel" }.Select(Gen.Const)]);
        Gen.Select(modes, transforms, Gen.Bool, Gen.Float[0.4f, 2.6f], Gen.Float[0.4f, 2.6f], Gen.Bool).Sample(
            (mode, transform, bySize, high, wide, smooths) =>
            {
                var net = new NetworkBuilder(1, input: [2, 5, 6]);
                net.Model.Graph.Initializer.Add(TensorData.Singles("scales", [1, 1, high, wide], 4));
                net.Model.Graph.Initializer.Add(TensorData.Integers("sizes", [(long)(5 * high), (long)(6 * wide)], 2));
                AttributeProto[] attributes = [Attribute("mode", mode), Attribute("coordinate_transformation_mode", transform),
                    .. bySize ? [Attribute("axes", 2, 3)] : Array.Empty<AttributeProto>(),
                    .. smooths && mode != "nearest" ? [Attribute("antialias", 1)] : Array.Empty<AttributeProto>()];
                Linear(net.Then("Resize", "y", bySize ? ["", "", "sizes"] : ["", "scales"], attributes));
            },
            iter: 60);
    }

    [Fact]
    public void ResizesOfVolumes()
    {
        var net = new NetworkBuilder(1, input: [2, 3, 4, 2]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("scales", [1, 1, 2, 1.5f, 2], 5));
        Linear(net.Then("Resize", "y", ["", "scales"], Attribute("mode", "linear")));
    }

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

    /// <summary>A linear model's law ⟨J v, u⟩ = ⟨v, Jᵀ u⟩.</summary>
    private static void Linear(NetworkBuilder net, params string[] weights) => Differences.Check(net.Build(), weights, null);

    private static bool IsTaken(int place, int start, int end, int step, int length)
    {
        int first = Math.Clamp(start < 0 ? start + length : start, step > 0 ? 0 : -1, step > 0 ? length : length - 1);
        int beyond = Math.Clamp(end < 0 ? Math.Max(-1, end + length) : end, step > 0 ? 0 : -1, length);
        return step > 0 ? place >= first && place < beyond && (place - first) % step == 0
            : place <= first && place > beyond && (first - place) % -step == 0;
    }
}
