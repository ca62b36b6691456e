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
            bool isNearest = node.Text("mode") is null or "nearest";
            SampleAsBefore(node, node.Input[1]);
            if (isNearest)
            {
                ShrinkAsBefore(node, context);
            }
        }
        else if (context.Opset < 13 && node.Text("coordinate_transformation_mode") == "tf_half_pixel_for_nn")
        {
            FromCentres(node, context);
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

    /// <summary>
    /// The nearest pixel, where an axis shrinks: ONNX Runtime's Resize-10 rounds x / scale up there, and down where the axis grows. It
    /// grows first, then; neither changes what the other picks.
    /// </summary>
    private static void ShrinkAsBefore(NodeProto node, UpgradeContext context)
    {
        const int Scales = 2;
        string name = node.Output[0], scales = node.Input[Scales], down = scales;
        float[]? known = context.Constant(scales);
        if (known?.All(scale => scale >= 1) == true)
        {
            return;
        }
        if (known?.All(scale => scale <= 1) != true)
        {
            var (one, up, grown) = (context.Scalar($"{name}_one", 1), context.Fresh($"{name}_up"), context.Fresh($"{name}_grown"));
            down = context.Fresh($"{name}_down");
            context.Before(Node("Max", [scales, one], up));
            context.Before(Node("Min", [scales, one], down));
            var growing = node.Clone();
            growing.Name = "";
            (growing.Input[Scales], growing.Output[0]) = (up, grown);
            context.Before(growing);
            node.Input[0] = grown;
        }
        node.Input[Scales] = down;
        node.Find("nearest_mode")!.S = ByteString.CopyFromUtf8("ceil");
    }

    /// <summary>
    /// tf_half_pixel_for_nn samples at (x + ½) / scale, half a pixel behind half_pixel: what it rounds half down, half_pixel rounds up, and
    /// what it rounds down, half_pixel rounds half up.
    /// </summary>
    private static void FromCentres(NodeProto node, UpgradeContext context)
    {
        bool isNearest = node.Text("mode") is null or "nearest";
        var rounding = (isNearest ? node.Text("nearest_mode") ?? "round_prefer_floor" : "") switch
        {
            "round_prefer_floor" => "ceil",
            "floor" => "round_prefer_ceil",
            _ => throw context.Error(
                node,
                "Resize with tf_half_pixel_for_nn, which opset 13 dropped, in a mode without a later form; export with another resizing"),
        };
        node.Take("nearest_mode");
        node.Take("coordinate_transformation_mode");
        node.Attribute.Add([Attribute("coordinate_transformation_mode", "half_pixel"), Attribute("nearest_mode", rounding)]);
    }
}
