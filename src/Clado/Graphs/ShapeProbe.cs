using System.Collections.Frozen;
using Clado.Execution;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>Finds type and shape of every tensor: runs the network on one image and, where the batch is free, once more on two.</summary>
internal static class ShapeProbe
{
    // Free spatial dimensions are probed at the usual size of an image; a multiple of 32, which detectors ask for.
    private const long FreeSide = 224;

    // An input beyond this is no image but a broken header; the probe must not allocate for it.
    private const long MaximumInputElements = 1L << 26;
    private const long MaximumSide = 1L << 14;

    public static IReadOnlyDictionary<string, TensorInfo> Run(ModelProto model, GraphInputs inputs, string file)
    {
        var input = model.Graph.Input.First(i => i.Name == inputs.Image);
        CheckSize(input, file);
        var probe = model.Clone();
        probe.Graph.Output.Clear();
        probe.Graph.ValueInfo.Clear();
        var produced = model.Graph.Node.SelectMany(n => n.Output).Where(o => o.Length > 0);
        probe.Graph.Output.Add(produced.Select(name => new ValueInfoProto { Name = name }));
        using var session = new GraphSession(probe, file, GraphOptimizationLevel.ORT_DISABLE_ALL);

        bool free = !input.Type.TensorType.Shape.Dim[0].HasDimValue;
        var one = Shapes(session, inputs, Shape(input, 1));
        var two = free ? Shapes(session, inputs, Shape(input, 2)) : one;
        return one.ToFrozenDictionary(pair => pair.Key, pair => pair.Value with
        {
            Batched = [.. pair.Value.Shape.Zip(two[pair.Key].Shape, (a, b) => a != b)],
        });
    }

    private static void CheckSize(ValueInfoProto input, string file)
    {
        var shape = Shape(input, 1);
        if (shape.Any(d => d is <= 0 or > MaximumSide) || shape.Aggregate(1.0, (product, d) => product * d) > MaximumInputElements)
        {
            throw new OnnxFormatException(file, $"impossible input shape {ShapeText.Of(shape)}", tensor: input.Name);
        }
    }

    private static long[] Shape(ValueInfoProto input, long batch)
    {
        var dims = input.Type.TensorType.Shape.Dim;
        // A free dimension is the batch where it comes first, the channels where no other could be them, else a side of the image.
        bool isChannelsFirst = dims.Count == 4 && !dims[2].HasDimValue && !dims[3].HasDimValue;
        long Free(int axis) => axis == 0 ? batch : axis == 1 && isChannelsFirst ? 3 : FreeSide;
        return [.. dims.Select((dim, axis) => dim.HasDimValue ? dim.DimValue : Free(axis))];
    }

    private static Dictionary<string, TensorInfo> Shapes(GraphSession session, GraphInputs inputs, long[] shape)
    {
        using var feed = inputs.Feed(new float[shape.Aggregate(1L, (product, dim) => product * dim)], shape);
        using var values = session.Run(feed);
        var infos = session.Outputs.Zip(values).Where(output => output.Second.IsTensor)
            .ToDictionary(output => output.First, output => Info(output.Second));
        foreach (var (name, value) in feed)
        {
            infos.Add(name, Info(value));
        }
        return infos;
    }

    private static TensorInfo Info(OrtValue value)
    {
        var info = value.GetTensorTypeAndShape();
        return new TensorInfo((DataType)(int)info.ElementDataType, info.Shape, new bool[info.Shape.Length]);
    }
}
