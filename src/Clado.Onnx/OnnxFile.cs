using Google.Protobuf;
using static System.FormattableString;

namespace Clado.Onnx;

/// <summary>Reads and writes <c>.onnx</c> files. Fields this library does not know are kept.</summary>
public static class OnnxFile
{
    /// <summary>The largest file a protobuf message can be, in bytes (2 GiB − 1).</summary>
    public const long MaximumSizeBytes = int.MaxValue;

    /// <summary>Reads a model; data in external files is checked and brought into the tensors.</summary>
    /// <param name="path">Path of the <c>.onnx</c> file.</param>
    /// <returns>The model as the file has it, with external data embedded and every initializer's length checked.</returns>
    /// <exception cref="OnnxFormatException">The file is missing, truncated, not ONNX, or a tensor does not have the data its shape asks for.</exception>
    public static ModelProto Read(string path)
    {
        if (InputFile.Problem(path) is { } problem)
        {
            throw new OnnxFormatException(path, $"{problem}{(path.Length > 0 ? $" ({Path.GetFullPath(path)})" : "")}; give the path of an .onnx file");
        }
        var info = new FileInfo(path);
        if (info.Length > MaximumSizeBytes)
        {
            throw new OnnxFormatException(path, Invariant($"{info.Length:N0} bytes is more than a protobuf file can hold (2 GiB); ")
                + "save the model with its weights as external data");
        }
        var model = Parse(path, File.ReadAllBytes(path));
        foreach (var tensor in model.Tensors())
        {
            ExternalData.Embed(path, tensor);
            TensorData.Check(path, tensor);
        }
        return model;
    }

    /// <summary>Parses the bytes of a model file, without looking for external data.</summary>
    /// <param name="path">Path that errors name.</param>
    /// <param name="bytes">Contents of the file. Shape: [bytes].</param>
    /// <exception cref="OnnxFormatException">The bytes are no ONNX model.</exception>
    public static ModelProto Parse(string path, ReadOnlySpan<byte> bytes)
    {
        ModelProto model;
        try
        {
            model = ModelProto.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OnnxFormatException(path, "not a whole ONNX file (the protobuf data ends early or is something else); "
                + "export or copy the model again", inner: e);
        }
        if (model.Graph is null || !model.HasIrVersion || model.OpsetImport.Count == 0)
        {
            throw new OnnxFormatException(path, "not an ONNX model (it has no graph, IR version or opset); check that this is the right file");
        }
        return model;
    }

    /// <summary>
    /// Writes a model beside its destination and renames it into place, so that no half-written file is ever seen. A model too large for one file gets a second
    /// one, <c>PATH.data</c>, with the data of its larger initializers.
    /// </summary>
    /// <param name="model">The model to write.</param>
    /// <param name="path">Destination; an existing file is replaced, missing folders are made.</param>
    /// <param name="maximumSizeBytes">What is too large for one file. Range: [0, <see cref="MaximumSizeBytes"/>].</param>
    /// <returns>Size of the file in bytes, of both where there are two.</returns>
    public static long Write(ModelProto model, string path, long maximumSizeBytes = MaximumSizeBytes)
    {
        ArgumentNullException.ThrowIfNull(model);
        // Sizes of messages are 32-bit numbers: what lies in tensors is summed up on its own.
        if (model.Graph.Initializer.Sum(t => (long)t.RawData.Length) + SizeWithoutData(model) <= maximumSizeBytes)
        {
            AtomicFile.Write(path, stream => model.WriteTo(stream));
            return model.CalculateSize();
        }
        var (detached, dataBytes) = ExternalData.Detach(model, path);
        AtomicFile.Write(path, stream => detached.WriteTo(stream));
        return detached.CalculateSize() + dataBytes;
    }

    private static long SizeWithoutData(ModelProto model)
    {
        var graph = model.Graph;
        return graph.Node.Sum(n => (long)n.CalculateSize()) + graph.Initializer.Sum(t => (long)t.CalculateSize() - t.RawData.Length)
            + graph.Input.Concat(graph.Output).Concat(graph.ValueInfo).Sum(v => (long)v.CalculateSize()) + model.Functions.Sum(f => (long)f.CalculateSize())
            + model.MetadataProps.Sum(m => (long)m.CalculateSize());
    }

    /// <summary>Every tensor that carries data: initializers and tensor attributes of nodes, functions included.</summary>
    internal static IEnumerable<TensorProto> Tensors(this ModelProto model) =>
        model.Graph.Initializer
            .Concat(AttributeTensors(model.Graph.Node))
            .Concat(model.Functions.SelectMany(function => AttributeTensors(function.Node)));

    private static IEnumerable<TensorProto> AttributeTensors(IEnumerable<NodeProto> nodes) =>
        nodes.SelectMany(node => node.Attribute).SelectMany(attribute =>
            attribute.T is { } single ? attribute.Tensors.Append(single) : attribute.Tensors);
}
