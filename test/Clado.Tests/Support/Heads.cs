using Clado.Onnx;

namespace Clado.Tests.Support;

/// <summary>
/// Networks that answer with quantities of different scale: a trunk and two heads of five layers together, for images of 24 × 24.
/// </summary>
internal static class Heads
{
    private const int Width = 16;

    private static readonly AttributeProto Pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);

    /// <summary>Boxes in the hundreds and scores: [N, 8, 36] along the channels.</summary>
    public static NetworkBuilder ChannelAxis()
    {
        var net = Two(4, 4, 150);
        Row(net, "shape", -1, 4, 36);
        return net.Add("Reshape", ["large", "shape"], "a").Add("Reshape", ["small", "shape"], "b")
            .Add("Concat", ["a", "b"], "y", NodeExtensions.Attribute("axis", 1));
    }

    /// <summary>Boxes and scores along the last axis, as detectors of anchors give them: [N, 36, 8].</summary>
    public static NetworkBuilder LastAxis() => ChannelAxis().Then("Transpose", "t", null, NodeExtensions.Attribute("perm", 0, 2, 1));

    /// <summary>Rows of boxes, then rows of scores: [N, 72, 4].</summary>
    public static NetworkBuilder AnchorAxis()
    {
        var net = Two(4, 4, 150);
        Row(net, "shape", -1, 4, 36);
        var perm = NodeExtensions.Attribute("perm", 0, 2, 1);
        net.Add("Reshape", ["large", "shape"], "a").Add("Reshape", ["small", "shape"], "b");
        return net.Add("Transpose", ["a"], "at", perm).Add("Transpose", ["b"], "bt", perm)
            .Add("Concat", ["at", "bt"], "y", NodeExtensions.Attribute("axis", 1));
    }

    /// <summary>Keypoints as x, y and visibility in turn: [N, 48].</summary>
    public static NetworkBuilder Keypoints()
    {
        var net = Two(32, 16, 60);
        Row(net, "xy", -1, 16, 2);
        Row(net, "v", -1, 16, 1);
        Row(net, "flat", 0, -1);
        net.Add("GlobalAveragePool", ["large"], "lp").Add("GlobalAveragePool", ["small"], "sp").Add("Reshape", ["lp", "xy"], "a")
            .Add("Reshape", ["sp", "v"], "b");
        return net.Add("Concat", ["a", "b"], "xyv", NodeExtensions.Attribute("axis", 2)).Then("Reshape", "y", ["flat"]);
    }

    /// <summary>Logits and, as a fourth channel, an angle: [N, 4, 6, 6].</summary>
    public static NetworkBuilder AngleAndLogits()
    {
        var net = Two(3, 1, 12, "Tanh");
        return net.Add("Concat", ["large", "small"], "y", NodeExtensions.Attribute("axis", 1));
    }

    /// <summary>
    /// Boxes and scores of three anchors in the channels of a map, as detectors give them undecoded: [N, 24, 6, 6]. No gap of ten between
    /// their scales.
    /// </summary>
    public static NetworkBuilder RawMap()
    {
        var net = RawHead();
        Row(net, "map", 0, 24, 6, 6);
        return net.Then("Reshape", "y", ["map"]);
    }

    /// <summary>The same with the channels of an anchor last: [N, 3, 6, 6, 8].</summary>
    public static NetworkBuilder RawAnchors() => RawHead().Then("Transpose", "y", null, NodeExtensions.Attribute("perm", 0, 1, 3, 4, 2));

    /// <summary>Boxes and scores as outputs of their own: "large" and "small".</summary>
    public static NetworkBuilder TwoOutputs() => Two(4, 4, 150);

    private static NetworkBuilder RawHead()
    {
        var net = Two(12, 12, 10, "Tanh");
        Row(net, "anchors", 0, 3, 4, 6, 6);
        return net.Add("Reshape", ["large", "anchors"], "a").Add("Reshape", ["small", "anchors"], "b")
            .Add("Concat", ["a", "b"], "raw", NodeExtensions.Attribute("axis", 2));
    }

    /// <summary>
    /// A trunk of two layers, and two heads, each with a hidden layer: tensors "large", factor times what the second head gives, and
    /// "small".
    /// </summary>
    private static NetworkBuilder Two(int large, int small, float factor, string activation = "Sigmoid")
    {
        var net = new NetworkBuilder(11, input: [3, 24, 24]);
        net.Weight("t1", Width, 3, 3, 3);
        net.Weight("t2", Width, Width, 3, 3);
        net.Weight("l1", Width, Width, 3, 3);
        net.Weight("l2", large, Width, 1, 1);
        net.Weight("s1", Width, Width, 3, 3);
        net.Weight("s2", small, Width, 1, 1);
        net.Model.Graph.Initializer.Add(TensorData.Singles("factor", [factor]));
        var strides = NodeExtensions.Attribute("strides", 2, 2);
        net.Then("Conv", "c1", ["t1"], Pads, strides).Then("Relu", "r1").Then("Conv", "c2", ["t2"], Pads, strides).Then("Relu", "trunk");
        net.Add("Conv", ["trunk", "l1"], "lh", Pads).Then("Relu", "lr").Then("Conv", "lc", ["l2"]).Then("Mul", "large", ["factor"]);
        net.Add("Conv", ["trunk", "s1"], "sh", Pads).Then("Relu", "sr").Then("Conv", "sc", ["s2"]).Then(activation, "small");
        return net;
    }

    private static void Row(NetworkBuilder net, string name, params long[] values) =>
        net.Model.Graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
}
