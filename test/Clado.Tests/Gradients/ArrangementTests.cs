using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>Rules of operators that move, join and repeat elements. They are linear: their law is exact.</summary>
public class ArrangementTests
{
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
        Differences.Linear(new NetworkBuilder(1, input: [4, 4, 6]).Then(op, "y", null, attribute));
    }

    [Fact]
    public void ChannelsThatAreColumnsAndRows() => Differences.Linear(new NetworkBuilder(1, input: [8, 2, 3]).Then(
        "DepthToSpace", "y", null, Attribute("blocksize", 2), Attribute("mode", "CRD")));

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
        Differences.Linear(net.Then(op, "y", ["list"], op == "CenterCropPad" ? [Attribute("axes", 1, 2)] : []));
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
        Differences.Linear(net);
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
        Differences.Linear(net.Add("Neg", ["b"], "y"));
    }

    [Fact]
    public void JointsOfImages()
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Then("Neg", "n").Add("Concat", ["n", "x"], "c", Attribute("axis", 0));
        net.Model.Graph.Initializer.Add(TensorData.Integers("shape", [2, -1, 4], 3));
        net.Then("Reshape", "r", ["shape"]).Then("Transpose", "y", null, Attribute("perm", 1, 0, 2));
        Differences.Linear(net);
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
                Differences.Linear(net.Then("Resize", "y", bySize ? ["", "", "sizes"] : ["", "scales"], attributes));
            },
            iter: 60);
    }

    [Fact]
    public void ResizesOfVolumes()
    {
        var net = new NetworkBuilder(1, input: [2, 3, 4, 2]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("scales", [1, 1, 2, 1.5f, 2], 5));
        Differences.Linear(net.Then("Resize", "y", ["", "scales"], Attribute("mode", "linear")));
    }
}
