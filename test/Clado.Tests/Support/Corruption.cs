using System.Runtime.InteropServices;
using Clado.Onnx;
using Google.Protobuf;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Support;

/// <summary>Small wrongs in a written model, each of which leaves it a valid one of the same size.</summary>
internal static class Corruption
{
    /// <summary>What is done to a model, by name.</summary>
    public static IReadOnlyDictionary<string, Action<ModelProto, int>> All { get; } = new Dictionary<string, Action<ModelProto, int>>
    {
        ["a channel's scale doubled"] = (model, layer) => Change<float>(model, $"s{layer}", scales => scales[scales.Length / 2] *= 2),
        ["a layer's scales 1 % larger"] = (model, layer) => Change<float>(model, $"s{layer}", scales => Scale(scales, 1.01f)),
        ["a layer's scales in reverse order (a wrong axis)"] = (model, layer) =>
            Change<float>(model, $"s{layer}", scales => scales.Reverse()),
        ["the scale of an activation halved"] = (model, range) => Change<float>(model, $"a{range}", scales => Scale(scales, 0.5f)),
        ["the zero point of an activation off by 8"] = (model, range) =>
            Change<byte>(model, $"z{range}", zero => zero[0] = (byte)(zero[0] < 128 ? zero[0] + 8 : zero[0] - 8)),
        ["the zero point of an activation off by 1"] = (model, range) =>
            Change<byte>(model, $"z{range}", zero => zero[0] = (byte)(zero[0] < 128 ? zero[0] + 1 : zero[0] - 1)),
        ["the largest bias of a node with its sign changed"] = (model, node) =>
            Change<float>(model, BiasOf(model, node), biases => biases[Largest(biases)] *= -1),
        ["one code's sign changed"] = (model, layer) =>
            Change<sbyte>(model, $"q{layer}", codes => codes[codes.Length / 2] = (sbyte)(codes[codes.Length / 2] ^ -128)),
    };

    /// <summary>Applies one to a copy of a model; null where the model has no such tensor, or the wrong is none there.</summary>
    public static ModelProto? Of(ModelProto model, string name, int index)
    {
        var changed = model.Clone();
        All[name](changed, index);
        return changed.Equals(model) ? null : changed;
    }

    private static void Scale(Span<float> values, float factor)
    {
        foreach (ref float value in values)
        {
            value *= factor;
        }
    }

    /// <summary>The constant that a node's bias is rounded of.</summary>
    private static string BiasOf(ModelProto model, int node) =>
        model.Graph.Node.FirstOrDefault(call => call.OpType == "B" && call.Output[0].TrimStart('_') == $"c{node}")?.Input[0] ?? "";

    private static int Largest(Span<float> values)
    {
        int at = 0;
        for (int i = 1; i < values.Length; i++)
        {
            at = Math.Abs(values[i]) > Math.Abs(values[at]) ? i : at;
        }
        return at;
    }

    private static void Change<T>(ModelProto model, string name, SpanAction<T> change) where T : unmanaged
    {
        if (model.Graph.Initializer.FirstOrDefault(t => t.Name.TrimStart('_') == name) is { } tensor
            && (typeof(T) != typeof(sbyte) || tensor.DataType == (int)DataType.Int8))
        {
            var bytes = tensor.RawData.ToByteArray();
            change(MemoryMarshal.Cast<byte, T>(bytes.AsSpan()));
            tensor.RawData = ByteString.CopyFrom(bytes);
        }
    }

    private delegate void SpanAction<T>(Span<T> values);
}
