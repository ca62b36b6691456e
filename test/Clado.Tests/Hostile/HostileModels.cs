using Clado.Onnx;
using Clado.Tests.Support;
using Google.Protobuf;
using static Clado.Onnx.AttributeProto.Types;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Hostile;

/// <summary>Model files made to break a reader, by name.</summary>
internal static class HostileModels
{
    public static IReadOnlyDictionary<string, byte[]> All { get; } = new Dictionary<string, Action<ModelProto>>
    {
        ["cycle"] = m => m.Graph.Node[0].Input[0] = "r4",
        ["node that reads itself"] = m => m.Graph.Node[1].Input[0] = m.Graph.Node[1].Output[0],
        ["tensor made twice"] = m => m.Graph.Node[1].Output[0] = "c1",
        ["node that makes an initializer"] = m => m.Graph.Node[0].Output[0] = "w2",
        ["initializer twice"] = m => m.Graph.Initializer.Add(
            TensorData.Singles(m.Graph.Initializer[0].Name, [0.5f], [.. m.Graph.Initializer[0].Dims.Select(_ => 1L)])),
        ["input from nowhere"] = m => m.Graph.Node[3].Input[0] = "nowhere",
        ["output that no node makes"] = m => m.Graph.Output[0].Name = "nothing",
        ["no nodes"] = m => m.Graph.Node.Clear(),
        ["no outputs"] = m => m.Graph.Output.Clear(),
        ["no inputs"] = m => m.Graph.Input.Clear(),
        ["node without inputs"] = m => m.Graph.Node[0].Input.Clear(),
        ["node without outputs"] = m => m.Graph.Node[1].Output.Clear(),
        ["operator without a name"] = m => m.Graph.Node[1].OpType = "",
        ["operator that is none"] = m => m.Graph.Node[1].OpType = "Relu\0<script>",
        ["negative dimension"] = m => Dims(m, -8, 3, 3, 3),
        ["dimensions that overflow"] = m => Dims(m, 1L << 32, 1L << 32, 3, 3),
        ["dimensions of nothing"] = m => Dims(m, 0, 3, 3, 3),
        ["data shorter than the shape"] = m => m.Graph.Initializer[0].RawData = ByteString.CopyFrom(new byte[5]),
        ["data longer than the shape"] = m => m.Graph.Initializer[0].RawData = ByteString.CopyFrom(new byte[1 << 20]),
        ["element type that is none"] = m => m.Graph.Initializer[0].DataType = 99,
        ["weight of strings"] = m => m.Graph.Initializer[0].DataType = (int)DataType.String,
        ["input of 2^40 pixels"] = m => Input(m, 3, 1L << 20, 1L << 20),
        ["input of one long row"] = m => Input(m, 3, 1, 1L << 24),
        ["input of no dimensions"] = m => m.Graph.Input[0].Type.TensorType.Shape.Dim.Clear(),
        ["input of no type"] = m => m.Graph.Input[0].Type = null,
        ["opset 10^9"] = m => m.OpsetImport[0].Version = 1_000_000_000,
        ["opset below zero"] = m => m.OpsetImport[0].Version = -3,
        ["no opset"] = m => m.OpsetImport.Clear(),
        ["stride of zero"] = m => m.Graph.Node[0].Attribute.Add(NodeExtensions.Attribute("strides", 0, 0)),
        ["padding of 2^60"] = m => m.Graph.Node[0].Attribute[0] = NodeExtensions.Attribute("pads", 1L << 60, 1L << 60, 1, 1),
        ["groups below zero"] = m => m.Graph.Node[0].Attribute.Add(NodeExtensions.Attribute("group", -4)),
        ["attribute twice"] = m => m.Graph.Node[0].Attribute.Add(m.Graph.Node[0].Attribute[0].Clone()),
        ["attribute of another type"] = m => m.Graph.Node[0].Attribute[0] =
            new AttributeProto { Name = "pads", Type = AttributeType.String, S = ByteString.CopyFromUtf8("many") },
        ["graphs 50 deep"] = m => m.Graph.Node[1].Attribute.Add(
            new AttributeProto { Name = "body", Type = AttributeType.Graph, G = ModelMutator.Nested(20) }),
        ["graph attribute without a graph"] = m => m.Graph.Node[1].Attribute.Add(
            new AttributeProto { Name = "body", Type = AttributeType.Graph }),
        ["external data above the folder"] = m => External(m, "../weights.bin"),
        ["external data at the root"] = m => External(m, "/etc/passwd"),
        ["external data that is a folder"] = m => External(m, "."),
        ["external data without a place"] = m => External(m, null),
        ["a tensor of 2^42 elements on the way"] = m => Huge(m, "ConstantOfShape", 1L << 21, 1L << 21),
    }.ToDictionary(c => c.Key, c =>
    {
        var model = NetworkBuilder.SmallClassifier().Build();
        c.Value(model);
        return model.ToByteArray();
    });

    /// <summary>Graphs so deep that a reader that goes down into each would run out of stack.</summary>
    public static byte[] Bottomless(int depth)
    {
        // A message in a message: tag of GraphProto in AttributeProto, of AttributeProto in NodeProto, of NodeProto in GraphProto.
        byte[] inner = [];
        for (int i = 0; i < depth; i++)
        {
            inner = Message(1, Message(5, Message(6, inner)));
        }
        return [0x08, 0x0D, .. Message(7, inner), .. Message(8, [0x10, 0x19])];
    }

    private static byte[] Message(int field, byte[] content)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
        }
        return stream.ToArray();
    }

    private static void Dims(ModelProto model, params long[] dims)
    {
        model.Graph.Initializer[0].Dims.Clear();
        model.Graph.Initializer[0].Dims.Add(dims);
    }

    private static void Input(ModelProto model, params long[] dims)
    {
        var shape = model.Graph.Input[0].Type.TensorType.Shape;
        while (shape.Dim.Count > 1)
        {
            shape.Dim.RemoveAt(1);
        }
        shape.Dim.Add(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
    }

    private static void External(ModelProto model, string? location)
    {
        var tensor = model.Graph.Initializer[0];
        tensor.ClearRawData();
        tensor.DataLocation = DataLocation.External;
        if (location is not null)
        {
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        }
    }

    private static void Huge(ModelProto model, string op, params long[] dims)
    {
        model.Graph.Initializer.Add(TensorData.Integers("huge", dims, dims.Length));
        model.Graph.Node.Add(NodeExtensions.Node(op, ["huge"], "much"));
        model.Graph.Node.Add(NodeExtensions.Node("Add", ["logits", "much"], "sum"));
        model.Graph.Output[0].Name = "sum";
    }
}
