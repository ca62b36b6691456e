using Google.Protobuf.Collections;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Onnx.Upgrade;

/// <summary>Normalizations and dropout, as they infer. What training makes besides may be there as long as nobody reads it.</summary>
internal static class NormalizationRules
{
    /// <summary>
    /// Version 9 dropped <c>spatial</c>. Version 14 made training an attribute.
    /// Before, runtimes inferred whatever further outputs had names.
    /// </summary>
    public static void BatchNormalization(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 14)
        {
            KeepFirst(node, "BatchNormalization with statistics of the batch", context);
        }
        if (node.Take("spatial") is { I: 0 })
        {
            PerElement(node, context);
        }
    }

    /// <summary>Version 21 made the scale of each group one of each channel: a group is normalized like a channel of its own.</summary>
    public static void GroupNormalization(NodeProto node, UpgradeContext context)
    {
        if (context.Opset >= 21)
        {
            return;
        }
        var (input, output) = (node.Input[0], node.Output[0]);
        var (shape, groups) = (context.Fresh($"{output}_shape"), context.Fresh($"{output}_groups"));
        var normal = context.Fresh($"{output}_normal");
        long count = node.Take("num_groups")?.I ?? throw context.Error(node, "GroupNormalization without num_groups");
        node.Take("stash_type");
        context.Before(Node("Shape", [input], shape));
        context.Before(Node("Reshape", [input, context.Integers($"{output}_grouping", 0, count, -1)], groups));
        context.After(Node("Reshape", [normal, shape], output));
        node.OpType = "InstanceNormalization";
        (node.Input[0], node.Output[0]) = (groups, normal);
    }

    /// <summary>Version 12 made training an input, absent in evaluation. Before, a node does nothing at inference.</summary>
    public static void Dropout(NodeProto node, UpgradeContext context)
    {
        if (context.Opset < 12)
        {
            KeepFirst(node, "Dropout with a mask", context);
            node.OpType = "Identity";
            node.Attribute.Clear();
        }
    }

    /// <summary>Version 9 named the axes.</summary>
    public static void MeanVariance(NodeProto node, UpgradeContext context)
    {
        if (context.Opset >= 9)
        {
            return;
        }
        long[] axes = node.Take("across_channels") is { I: not 0 } ? [1, 2, 3] : [2, 3];
        if (node.Take("normalize_variance") is not { I: 0 })
        {
            node.Attribute.Add(Attribute("axes", axes));
            return;
        }
        var mean = context.Fresh($"{node.Output[0]}_mean");
        context.Before(Node("ReduceMean", [node.Input[0], context.Integers($"{node.Output[0]}_axes", axes)], mean));
        node.OpType = "Sub";
        node.Input.Add(mean);
    }

    /// <summary>y = (x − mean) / √(variance + ε) · scale + bias, every element of an image with parameters of its own.</summary>
    private static void PerElement(NodeProto node, UpgradeContext context)
    {
        const float DefaultEpsilon = 1e-5f;
        var output = node.Output[0];
        string Step(string op, params string[] inputs)
        {
            var made = context.Fresh($"{output}_{op.ToLowerInvariant()}");
            context.Before(Node(op, inputs, made));
            return made;
        }

        var epsilon = context.Scalar($"{output}_epsilon", node.Find("epsilon")?.F ?? DefaultEpsilon);
        var deviation = Step("Sqrt", Step("Add", node.Input[4], epsilon));
        var normal = Step("Div", Step("Sub", node.Input[0], node.Input[3]), deviation);
        var (scale, bias) = (node.Input[1], node.Input[2]);
        node.OpType = "Add";
        node.Attribute.Clear();
        node.Input.Clear();
        node.Input.Add([Step("Mul", normal, scale), bias]);
    }

    /// <summary>Drops the outputs behind the first. Throws where somebody reads one.</summary>
    private static void KeepFirst(NodeProto node, string what, UpgradeContext context)
    {
        RepeatedField<string> outputs = node.Output;
        if (outputs.Skip(1).FirstOrDefault(context.IsRead) is { } read)
        {
            throw context.Error(node, $"{what} ('{read}') that is read; export the model in evaluation mode");
        }
        while (outputs.Count > 1)
        {
            outputs.RemoveAt(outputs.Count - 1);
        }
    }
}
