using System.Runtime.InteropServices;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Support;

/// <summary>Builds networks of integers as exporters and quantizers write them.</summary>
internal sealed class IntegerNetwork
{
    private readonly Random random;
    private int count;

    public IntegerNetwork(int seed = 1, int opset = 21, params long[] input)
    {
        Net = new NetworkBuilder(seed, opset, input.Length > 0 ? input : [3, 8, 8]);
        Net.Model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        random = new Random(seed);
    }

    public NetworkBuilder Net { get; }

    public string Last => Net.Last;

    /// <summary>Scale, a constant.</summary>
    public string Scale(params float[] values)
    {
        var name = $"scale{count++}";
        Net.Model.Graph.Initializer.Add(TensorData.Singles(name, values, values.Length == 1 ? [] : [values.Length]));
        return name;
    }

    /// <summary>Zero point, a constant.</summary>
    public string Zero(DataType type, params int[] values)
    {
        var name = $"zero{count++}";
        byte[] bytes = type is DataType.Int16 or DataType.Uint16
            ? MemoryMarshal.AsBytes(Array.ConvertAll(values, v => unchecked((short)v)).AsSpan()).ToArray()
            : type is DataType.Int4 or DataType.Uint4 ? Nibbles(values)
            : Array.ConvertAll(values, v => unchecked((byte)v));
        Net.Model.Graph.Initializer.Add(TensorData.Create(name, type, bytes, values.Length == 1 ? [] : [values.Length]));
        return name;
    }

    /// <summary>Codes, a constant, from the whole range of their type, or within a bound.</summary>
    public string Codes(DataType type, int largest, params long[] shape)
    {
        var name = $"codes{count++}";
        int[] values = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b))
            .Select(_ => type is DataType.Uint8 or DataType.Uint4 ? random.Next(largest + 1) : random.Next(-largest, largest + 1))];
        var bytes = type switch
        {
            DataType.Int32 => MemoryMarshal.AsBytes(values.AsSpan()).ToArray(),
            DataType.Int4 or DataType.Uint4 => Nibbles(values),
            _ => Array.ConvertAll(values, v => unchecked((byte)v)),
        };
        Net.Model.Graph.Initializer.Add(TensorData.Create(name, type, bytes, shape));
        return name;
    }

    /// <summary>Scales, one a channel.</summary>
    public string Scales(int channels, float near = 0.01f) =>
        Scale([.. Enumerable.Range(0, channels).Select(_ => near * (0.5f + random.NextSingle()))]);

    /// <summary>Adds a node whose name tells the operator.</summary>
    public string Add(string op, string[] inputs, string domain = "", params AttributeProto[] attributes)
    {
        var output = $"t{count++}";
        Net.Add(op, inputs, output, attributes);
        Net.Model.Graph.Node[^1].Domain = domain;
        return output;
    }

    /// <summary>Adds a node of ONNX Runtime's own.</summary>
    public string Own(string op, string[] inputs, params AttributeProto[] attributes) => Add(op, inputs, "com.microsoft", attributes);

    /// <summary>Rounds a tensor: QuantizeLinear and DequantizeLinear.</summary>
    public string Rounded(string tensor, float scale, DataType type = DataType.Uint8, int zero = 128)
    {
        var (s, z) = (Scale(scale), Zero(type, zero));
        return Add("DequantizeLinear", [Add("QuantizeLinear", [tensor, s, z]), s, z]);
    }

    public ModelProto Build() => Net.Build();

    public static AttributeProto Float(string name, float value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    private static byte[] Nibbles(int[] values) =>
        [.. values.Chunk(2).Select(pair => (byte)((pair[0] & 15) | ((pair.Length > 1 ? pair[1] & 15 : 0) << 4)))];
}
