using System.Runtime.InteropServices;
using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// Puts vectors that are coded alike into one tensor of the file, one after the other: it is decoded once, and a Split gives each its
/// name. A vector costs its elements, its name and its length, where a tensor of its own and what decodes it would be 40 bytes more.
/// All of it is folded at load.
/// </summary>
internal static class SharedConstants
{
    /// <summary>Writes constants of a model as 16 bits.</summary>
    /// <param name="model">The model; changed in place.</param>
    /// <param name="halves">Names of the constants; all that are there have values of 16 bits.</param>
    /// <param name="names">Names for the tensors.</param>
    public static void WriteHalves(ModelProto model, IReadOnlySet<string> halves, TensorNames names)
    {
        TensorProto[] own = [.. model.Graph.Initializer.Where(tensor => halves.Contains(tensor.Name))];
        TensorProto[] vectors = [.. own.Where(tensor => tensor.Dims.Count == 1)];
        foreach (var tensor in own)
        {
            model.Graph.Initializer.Remove(tensor);
        }
        var nodes = new List<NodeProto>();
        foreach (var (index, tensor) in own.Except(vectors).Index())
        {
            var name = names.Of(TensorRole.Halves, 3 + index);
            model.Graph.Initializer.Add(TensorData.Create(name, DataType.Float16, Bytes(tensor), [.. tensor.Dims]));
            nodes.Add(Cast(name, tensor.Name));
        }
        byte[] bytes = [.. vectors.SelectMany(Bytes)];
        nodes.AddRange(Split(
            model, TensorRole.Halves, names, [.. vectors.Select(tensor => (tensor.Name, (int)tensor.Dims[0]))],
            (name, length) => TensorData.Create(name, DataType.Float16, bytes, length), Cast));
        Prepend(model, nodes);
    }

    /// <summary>Writes scales as codes of 8 bits.</summary>
    /// <param name="model">The model; changed in place.</param>
    /// <param name="scales">Names that they get, and scales that have a code each. Shape: [layers][channels].</param>
    /// <param name="names">Names for the tensors.</param>
    public static void WriteScales(ModelProto model, IReadOnlyList<(string Name, float[] Scales)> scales, TensorNames names)
    {
        byte[] codes = [.. scales.SelectMany(own => ScaleCodes.Of(own.Scales))];
        var nodes = Split(
            model, TensorRole.ScaleCodes, names, [.. scales.Select(own => (own.Name, own.Scales.Length))],
            (name, length) => TensorData.Create(name, DataType.Uint8, codes, length),
            (from, to) => LocalFunctions.Call(ScaleCodes.FunctionName, [from], to));
        if (scales.Count > 0)
        {
            LocalFunctions.Add(model, [ScaleCodes.Function(model.Opset())]);
        }
        Prepend(model, nodes);
    }

    private static List<NodeProto> Split(
        ModelProto model, char role, TensorNames names, (string Name, int Length)[] parts, Func<string, long, TensorProto> tensor,
        Func<string, string, NodeProto> decode)
    {
        if (parts.Length == 0)
        {
            return [];
        }
        // By role and number: the codes, what they stand for, the lengths; others follow.
        var (codes, floats, lengths) = (names.Of(role, 0), names.Of(role, 1), names.Of(role, 2));
        model.Graph.Initializer.Add(tensor(codes, parts.Sum(part => (long)part.Length)));
        if (parts.Length == 1)
        {
            return [decode(codes, parts[0].Name)];
        }
        var split = new TensorProto { Name = lengths, DataType = (int)DataType.Int64 };
        split.Dims.Add(parts.Length);
        split.Int64Data.Add(parts.Select(part => (long)part.Length));
        model.Graph.Initializer.Add(split);
        var node = Node("Split", [floats, lengths], parts[0].Name);
        node.Output.Add(parts.Skip(1).Select(part => part.Name));
        return [decode(codes, floats), node];
    }

    private static NodeProto Cast(string from, string to) => Node("Cast", [from], to, Attribute("to", (long)DataType.Float));

    /// <summary>The values of a tensor of floats, in 16 bits.</summary>
    private static byte[] Bytes(TensorProto tensor)
    {
        float[] values = TensorData.ReadSingles("", tensor);
        return HalfConstants.Hold(values)
            ? MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, value => (Half)value)).ToArray()
            : throw new InvalidOperationException($"'{tensor.Name}' has values that 16 bits do not hold.");
    }

    private static void Prepend(ModelProto model, IReadOnlyList<NodeProto> nodes)
    {
        NodeProto[] others = [.. model.Graph.Node];
        model.Graph.Node.Clear();
        model.Graph.Node.Add(nodes);
        model.Graph.Node.Add(others);
    }
}
