using Google.Protobuf;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>Operators that read an image at other places than its pixels.</summary>
internal static class SamplingRules
{
    /// <summary>Version 11 told sampling modes apart, see <see cref="SampleAsBefore"/>; version 13 dropped one of them.</summary>
    public static void Resize(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 11)
        {
            SampleAsBefore(node, node.Input[1]);
        }
        else if (context.Opset < 13 && node.Text("coordinate_transformation_mode") == "tf_half_pixel_for_nn")
        {
            throw context.Error(node, "Resize with tf_half_pixel_for_nn, which opset 13 dropped; export with another resizing");
        }
    }

    /// <summary>Version 9 made the scales an input; opset 10 replaced the operator by Resize.</summary>
    public static void Upsample(NodeProto node, UpgradeContext context)
    {
        var scales = context.Opset >= 9 ? node.Input[1] : ScalesOfAttribute(node, context);
        SampleAsBefore(node, scales);
        node.OpType = "Resize";
    }

    /// <summary>Version 20 renamed the modes bilinear and bicubic to linear and cubic.</summary>
    public static void GridSample(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 20 && node.Text("mode") is "bilinear" or "bicubic")
        {
            var mode = node.Find("mode")!;
            mode.S = ByteString.CopyFromUtf8(mode.S.ToStringUtf8()["bi".Length..]);
        }
    }

    /// <summary>Version 16 made the transformation of coordinates an attribute, its default another than the behaviour before.</summary>
    public static void RoiAlign(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 16)
        {
            node.Attribute.Add(Attribute("coordinate_transformation_mode", "output_half_pixel"));
        }
    }

    private static string ScalesOfAttribute(NodeProto node, UpgradeContext context)
    {
        var scales = node.Take("scales") ?? throw context.Error(node, "Upsample without scales");
        return context.Singles($"{node.Output[0]}_scales", [.. scales.Floats]);
    }

    /// <summary>Resize-10 and Upsample sampled at x / scale, rounded down: what Resize-11 calls asymmetric and floor.</summary>
    private static void SampleAsBefore(NodeProto node, string scales)
    {
        const string NoRegion = "";
        var image = node.Input[0];
        node.Input.Clear();
        node.Input.Add([image, NoRegion, scales]);
        node.Attribute.Add([Attribute("coordinate_transformation_mode", "asymmetric"), Attribute("nearest_mode", "floor")]);
    }
}
