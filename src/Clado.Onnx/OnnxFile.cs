using Google.Protobuf;
using static System.FormattableString;

namespace Clado.Onnx;

/// <summary>Reads and writes <c>.onnx</c> files. Fields this library does not know are kept.</summary>
internal static class OnnxFile
{
    /// <summary>The largest file a protobuf message can be, in bytes (2 GiB − 1).</summary>
    public const long MaximumSizeBytes = int.MaxValue;

    // Before it there was one set of operators, the first.
    private const long OldestIrWithOpsets = 3;

    /// <summary>Reads a model; data in external files is checked and brought into the tensors.</summary>
    /// <param name="path">Path of the <c>.onnx</c> file.</param>
    /// <returns>The model as the file has it, with external data embedded and every initializer's length checked.</returns>
    /// <exception cref="OnnxFormatException">
    /// The file is missing, truncated, not ONNX, or a tensor does not have the data its shape asks for.
    /// </exception>
    public static ModelProto Read(string path)
    {
        if (InputFile.Problem(path) is { } problem)
        {
            var place = path.Length > 0 ? $" ({Path.GetFullPath(path)})" : "";
            throw new OnnxFormatException(path, $"{problem}{place}; give the path of an .onnx file");
        }
        var info = new FileInfo(path);
        if (info.Length > Array.MaxLength)
        {
            throw new OnnxFormatException(path, Invariant($"{info.Length:N0} bytes is more than a protobuf file can hold (2 GiB); ")
                + "save the model with its weights as external data");
        }
        var model = Parse(path, File.ReadAllBytes(path));
        Embed(model, path, info.Length);
        return model;
    }

    /// <summary>Throws where writing a file would replace a model that is read, or the data that lies beside it.</summary>
    /// <param name="path">What is to be written.</param>
    /// <param name="model">Path of the model.</param>
    /// <exception cref="CladoException">It is one of them.</exception>
    public static void ThrowIfLost(string path, string model)
    {
        if (InputFile.IsSame(path, model))
        {
            throw new CladoException($"{path}: is the float model itself, which would be lost; give another file");
        }
        if (File.Exists(path) && ExternalData.Files(model).Any(data => InputFile.IsSame(path, data)))
        {
            throw new CladoException(
                $"{path}: holds the weights of the float model {model}, which would be lost; give another file");
        }
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
        if (model.OpsetImport.Count == 0 && model.HasIrVersion && model.IrVersion < OldestIrWithOpsets)
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 1 });
        }
        if (model.Graph is null || !model.HasIrVersion || model.OpsetImport.Count == 0)
        {
            throw new OnnxFormatException(
                path, "not an ONNX model (it has no graph, IR version or opset); check that this is the right file");
        }
        return model;
    }

    /// <summary>What one message may be, in bytes, to be written to a file or kept in an array. Tests lower it.</summary>
    internal static long LargestBytes { get; set; } = Array.MaxLength;

    /// <summary>
    /// Writes a model beside its destination and renames it into place, so that no half-written file is ever seen.
    /// A model too large for one file gets a second one with the data of its larger initializers, see <see cref="StagedModel"/>.
    /// </summary>
    /// <param name="model">The model to write.</param>
    /// <param name="path">Destination; an existing file is replaced, missing folders are made.</param>
    /// <param name="maximumSizeBytes">What is too large for one file. Range: [0, <see cref="MaximumSizeBytes"/>].</param>
    /// <returns>Size of the file in bytes, of both where there are two.</returns>
    public static long Write(ModelProto model, string path, long maximumSizeBytes = MaximumSizeBytes)
    {
        using var staged = new StagedModel(model, path, Math.Min(maximumSizeBytes, LargestBytes));
        staged.Commit();
        return staged.SizeBytes;
    }

    /// <summary>Writes a model beside its destination, to be looked at before it gets its name.</summary>
    /// <param name="model">The model to write.</param>
    /// <param name="path">Destination; missing folders are made.</param>
    public static StagedModel Stage(ModelProto model, string path) => new(model, path, LargestBytes);

    /// <summary>Bytes of a model in one message, also where it is larger than a message can be.</summary>
    /// <param name="model">The model to measure.</param>
    public static long SizeBytes(this ModelProto model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var shell = model.Clone();
        shell.Graph = null;
        long graph = model.Graph.SizeBytes();
        return shell.CalculateSize() + FieldSize.Bytes(ModelProto.GraphFieldNumber, graph);
    }

    /// <summary>Bytes of a graph in one message, also where it is larger than a message can be.</summary>
    internal static long SizeBytes(this GraphProto graph)
    {
        // Sizes of messages are 32-bit numbers: what lies in initializers is summed up on its own.
        var shell = graph.Clone();
        shell.Initializer.Clear();
        return shell.CalculateSize()
            + graph.Initializer.Sum(tensor => FieldSize.Bytes(GraphProto.InitializerFieldNumber, tensor.CalculateSize()));
    }

    /// <summary>Every tensor that carries data: initializers and tensor attributes of nodes, bodies and functions included.</summary>
    internal static IEnumerable<TensorProto> Tensors(this ModelProto model)
    {
        var nodes = model.Graph.Node.Concat(model.Functions.SelectMany(function => function.Node));
        var sparse = model.Graph.SparseInitializer.SelectMany(Tensors);
        return model.Graph.Initializer.Concat(sparse).Concat(GraphWalk.AtEveryDepth(nodes).SelectMany(Tensors));
    }

    /// <summary>Brings external data into the tensors, and checks what every tensor holds.</summary>
    private static void Embed(ModelProto model, string path, long fileBytes)
    {
        var (initializers, inside) = (model.Graph.Initializer.Count, fileBytes);
        foreach (var (index, tensor) in model.Tensors().Index())
        {
            bool isApart = tensor.DataLocation == TensorProto.Types.DataLocation.External;
            ExternalData.Embed(path, tensor);
            TensorData.Check(path, tensor);
            // Initializers of the graph can be kept apart again, when it is run or written; these cannot.
            if (isApart && index >= initializers && (inside += tensor.RawData.Length) > LargestBytes)
            {
                throw new OnnxFormatException(
                    path,
                    Invariant($"with this constant of a node or body there would be {inside:N0} bytes in one message, ")
                        + Invariant($"which holds {LargestBytes:N0}; save the model with it as an initializer of the graph"),
                    tensor: tensor.Name);
            }
        }
    }

    private static IEnumerable<TensorProto> Tensors(SparseTensorProto sparse) =>
        ((TensorProto?[])[sparse.Values, sparse.Indices]).OfType<TensorProto>();

    private static IEnumerable<TensorProto> Tensors(NodeProto node) =>
        node.Attribute.SelectMany(attribute => attribute.T is { } single ? attribute.Tensors.Append(single) : attribute.Tensors)
            .Concat(node.Attribute.Where(attribute => attribute.SparseTensor is not null).SelectMany(a => Tensors(a.SparseTensor)))
            .Concat(GraphWalk.Bodies(node).SelectMany(body => body.Initializer));
}
