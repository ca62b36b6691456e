using System.Runtime.InteropServices;
using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Support;

/// <summary>Makes networks of another precision of float ones, as converters do, and runs networks of any precision.</summary>
internal static class OtherPrecision
{
    /// <summary>The network in another precision.</summary>
    /// <param name="model">A float network; it stays as it is.</param>
    /// <param name="type">The precision.</param>
    /// <param name="keepsEnds">Whether inputs and outputs stay float, with a Cast behind and in front of each.</param>
    public static ModelProto Of(ModelProto model, DataType type, bool keepsEnds = false)
    {
        var other = model.Clone();
        Convert(other.Graph, type, isBody: false);
        if (keepsEnds)
        {
            foreach (var node in other.Graph.Node)
            {
                GraphWalk.Rename(node, other.Graph.Input.ToDictionary(input => input.Name, input => input.Name + "_in"));
                var outputs = other.Graph.Output.Select(output => output.Name).ToArray();
                GraphWalk.Rename(node, outputs.ToDictionary(name => name, name => name + "_out"));
                for (int i = 0; i < node.Output.Count; i++)
                {
                    node.Output[i] += outputs.Contains(node.Output[i]) ? "_out" : "";
                }
            }
            foreach (var input in other.Graph.Input)
            {
                other.Graph.Node.Insert(0, Cast(input.Name, input.Name + "_in", type));
            }
            other.Graph.Node.Add(other.Graph.Output.Select(output => Cast(output.Name + "_out", output.Name, DataType.Float)));
        }
        else
        {
            foreach (var value in other.Graph.Input.Concat(other.Graph.Output))
            {
                SetType(value.Type, type);
            }
        }
        return other;
    }

    /// <summary>The float network with its constants rounded to another precision.</summary>
    public static ModelProto Rounded(ModelProto model, DataType type)
    {
        var rounded = model.Clone();
        foreach (var graph in GraphWalk.AtEveryDepth(rounded.Graph.Node).SelectMany(GraphWalk.Bodies).Append(rounded.Graph))
        {
            foreach (var tensor in graph.Initializer.Where(t => t.DataType == (int)DataType.Float))
            {
                TensorData.Overwrite(tensor, TensorData.ReadSingles("", Tensor(tensor, type)));
            }
        }
        return rounded;
    }

    /// <summary>A constant in another precision.</summary>
    public static TensorProto Tensor(TensorProto tensor, DataType type)
    {
        float[] values = TensorData.ReadSingles("", tensor);
        return type switch
        {
            DataType.Float16 => Create(Array.ConvertAll(values, v => (Half)v)),
            DataType.Bfloat16 => Create(Array.ConvertAll(values, v => (BFloat16)v)),
            _ => Create(Array.ConvertAll(values, v => (double)v)),
        };

        TensorProto Create<T>(T[] data) where T : unmanaged =>
            TensorData.Create(tensor.Name, type, MemoryMarshal.AsBytes(data.AsSpan()), [.. tensor.Dims]);
    }

    /// <summary>Outputs of a model of any precision on seeded random pixels, and the types they have.</summary>
    public static (float[] Values, DataType[] Types) Run(ModelProto model, int batch = 2)
    {
        var inputs = GraphInputs.Of(model.Graph, new(), "m.onnx");
        long[] shape = [.. inputs.Declared!.Select((dim, axis) => dim ?? batch)];
        using var session = new GraphSession(model, "m.onnx");
        using var feed = inputs.Feed(RandomPixels.Of(inputs, shape, 7), shape);
        using var values = session.Run(feed);
        var types = values.Select(v => (DataType)(int)v.GetTensorTypeAndShape().ElementDataType);
        return ([.. values.SelectMany(RealValues.Singles)], [.. types]);
    }

    /// <summary>Norm of the difference by the norm of what is expected.</summary>
    public static double Distance(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        return Math.Sqrt(expected.Zip(actual, (e, a) => Math.Pow((double)e - a, 2)).Sum() / expected.Sum(e => (double)e * e));
    }

    private static void Convert(GraphProto graph, DataType type, bool isBody)
    {
        for (int i = 0; i < graph.Initializer.Count; i++)
        {
            if (graph.Initializer[i].DataType == (int)DataType.Float)
            {
                graph.Initializer[i] = Tensor(graph.Initializer[i], type);
            }
        }
        foreach (var value in isBody ? graph.Input.Concat(graph.Output) : [])
        {
            SetType(value.Type, type);
        }
        foreach (var node in graph.Node)
        {
            foreach (var attribute in node.Attribute)
            {
                if (node.Is("Cast") && attribute.I == (long)DataType.Float)
                {
                    attribute.I = (long)type;
                }
                if (attribute.T is { DataType: (int)DataType.Float } tensor)
                {
                    attribute.T = Tensor(tensor, type);
                }
            }
            foreach (var body in GraphWalk.Bodies(node))
            {
                Convert(body, type, isBody: true);
            }
        }
    }

    private static void SetType(TypeProto? type, DataType wanted)
    {
        if (type?.TensorType is { ElemType: (int)DataType.Float } tensor)
        {
            tensor.ElemType = (int)wanted;
        }
        SetInner(type?.SequenceType?.ElemType, wanted);
    }

    private static void SetInner(TypeProto? type, DataType wanted)
    {
        if (type is not null)
        {
            SetType(type, wanted);
        }
    }

    private static NodeProto Cast(string from, string to, DataType type) =>
        NodeExtensions.Node("Cast", [from], to, NodeExtensions.Attribute("to", (long)type));
}
