using Clado.Onnx;
using Google.Protobuf;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Support;

/// <summary>
/// Makes broken files of a whole one: bytes changed, cut off, repeated, or the model itself made nonsense of. The same seed gives the same
/// file. Bytes are changed mostly outside the weights, where a reader looks.
/// </summary>
internal sealed class ModelMutator
{
    private static readonly string[] Operators =
        ["Conv", "Gemm", "MatMul", "Relu", "Add", "Reshape", "Squeeze", "Slice", "Split", "Pad", "Resize", "Clip", "If", "Loop", "Expand",
            "ConstantOfShape", "Identity", "Gather", "Nonsense", ""];

    private static readonly long[] Numbers = [0, 1, -1, 2, 3, 7, 64, 4096, 1L << 20, 1L << 31, 1L << 40, long.MaxValue, long.MinValue];

    private readonly byte[] bytes;
    private readonly (int Start, int Length)[] structure;

    /// <summary>Looks where the weights lie.</summary>
    /// <param name="bytes">A whole model file. Shape: [bytes].</param>
    public ModelMutator(byte[] bytes)
    {
        this.bytes = bytes;
        var gaps = new List<(int, int)>();
        int from = 0;
        foreach (var tensor in ModelProto.Parser.ParseFrom(bytes).Graph.Initializer.Where(t => t.RawData.Length > 64))
        {
            int at = from + bytes.AsSpan(from).IndexOf(tensor.RawData.Span);
            if (at >= from)
            {
                gaps.Add((from, at - from));
                from = at + tensor.RawData.Length;
            }
        }
        gaps.Add((from, bytes.Length - from));
        structure = [.. gaps.Where(g => g.Item2 > 0)];
    }

    /// <summary>A broken file.</summary>
    /// <param name="seed">Seed.</param>
    public byte[] Mutate(int seed)
    {
        var random = new Random(seed);
        return random.Next(10) switch
        {
            0 => bytes[..random.Next(bytes.Length)],
            < 5 => Bytes(random),
            _ => Model(random),
        };
    }

    private byte[] Bytes(Random random)
    {
        byte[] broken = [.. bytes];
        for (int n = random.Next(1, 6); n > 0; n--)
        {
            int at = Position(random);
            switch (random.Next(4))
            {
                case 0:
                    broken[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    broken[at] = (byte)random.Next(256);
                    break;
                case 2:
                    int length = Math.Min(random.Next(1, 64), broken.Length - Math.Max(at, Position(random)));
                    broken.AsSpan(
                        Position(random) is var source && source + length <= broken.Length ? source
                            : 0, Math.Max(0, Math.Min(length, broken.Length - at))).CopyTo(broken.AsSpan(at));
                    break;
                default:
                    broken = [.. broken.AsSpan(0, at), .. broken.AsSpan(Math.Min(broken.Length, at + random.Next(1, 16)))];
                    break;
            }
            if (broken.Length < bytes.Length)
            {
                break;
            }
        }
        return broken;
    }

    private int Position(Random random)
    {
        if (random.Next(8) == 0)
        {
            return random.Next(bytes.Length);
        }
        var (start, length) = structure[random.Next(structure.Length)];
        return start + random.Next(length);
    }

    private byte[] Model(Random random)
    {
        var model = ModelProto.Parser.ParseFrom(bytes);
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            Change(model, random);
        }
        return model.ToByteArray();
    }

    private static void Change(ModelProto model, Random random)
    {
        var graph = model.Graph;
        if (graph.Node.Count == 0 || graph.Initializer.Count == 0 || graph.Input.Count == 0)
        {
            return;
        }
        var node = graph.Node[random.Next(graph.Node.Count)];
        var tensor = graph.Initializer[random.Next(graph.Initializer.Count)];
        long Number() => Numbers[random.Next(Numbers.Length)];
        string Name() => graph.Node[random.Next(graph.Node.Count)] is var other && other.Output.Count > 0 && random.Next(4) > 0
            ? other.Output[random.Next(other.Output.Count)] : tensor.Name;
        switch (random.Next(18))
        {
            case 0 when node.Input.Count > 0:
                node.Input[random.Next(node.Input.Count)] = Name();
                break;
            case 1 when node.Output.Count > 0:
                node.Output[random.Next(node.Output.Count)] = random.Next(2) == 0 ? Name() : "";
                break;
            case 2:
                node.OpType = Operators[random.Next(Operators.Length)];
                break;
            case 3:
                node.Domain = random.Next(2) == 0 ? "com.example" : "ai.onnx.ml";
                break;
            case 4:
                graph.Node.Remove(node);
                break;
            case 5:
                graph.Node.Add(node.Clone());
                break;
            case 6:
                graph.Initializer.Add(tensor.Clone());
                break;
            case 7:
                graph.Initializer.Remove(tensor);
                break;
            case 8 when tensor.Dims.Count > 0:
                tensor.Dims[random.Next(tensor.Dims.Count)] = Number();
                break;
            case 9:
                tensor.Dims.Add(Number());
                break;
            case 10:
                tensor.DataType = random.Next(-1, 30);
                break;
            case 11:
                tensor.RawData = ByteString.CopyFrom(tensor.RawData.Span[..random.Next(tensor.RawData.Length + 1)]);
                break;
            case 12:
                tensor.DataLocation = DataLocation.External;
                tensor.ExternalData.Add(
                    new StringStringEntryProto { Key = "location", Value = random.Next(2) == 0 ? "../secret" : "/etc/passwd" });
                break;
            case 13 when node.Attribute.Count > 0:
                var attribute = node.Attribute[random.Next(node.Attribute.Count)];
                attribute.I = Number();
                for (int i = 0; i < attribute.Ints.Count; i++)
                {
                    attribute.Ints[i] = random.Next(2) == 0 ? attribute.Ints[i] : Number();
                }
                if (random.Next(4) == 0)
                {
                    node.Attribute.Add(attribute.Clone());
                }
                break;
            case 14:
                model.OpsetImport[0].Version = random.Next(3) == 0 ? Number() : random.Next(-1, 30);
                break;
            case 15 when graph.Input[0].Type?.TensorType?.Shape is { Dim.Count: > 0 } shape:
                shape.Dim[random.Next(shape.Dim.Count)] = new() { DimValue = Number() };
                break;
            case 16:
                node.Attribute.Add(
                    new AttributeProto { Name = "body", Type = AttributeProto.Types.AttributeType.Graph, G = Nested(random.Next(1, 200)) });
                break;
            default:
                graph.Output[0].Name = Name();
                break;
        }
    }

    /// <summary>Graphs within graphs.</summary>
    internal static GraphProto Nested(int depth)
    {
        var graph = new GraphProto { Name = "inner" };
        for (int i = 0; i < depth; i++)
        {
            var outer = new GraphProto { Name = "outer" };
            var node = new NodeProto { OpType = "If" };
            node.Attribute.Add(new AttributeProto { Name = "then_branch", Type = AttributeProto.Types.AttributeType.Graph, G = graph });
            outer.Node.Add(node);
            graph = outer;
        }
        return graph;
    }
}
