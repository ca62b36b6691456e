using static Clado.Onnx.TensorProto.Types;

namespace Clado.Onnx.Upgrade;

/// <summary>
/// Reads a network of half or double precision as one of float: its inputs, outputs and constants, and whatever says a type in it.
/// </summary>
internal sealed class SinglePrecision
{
    private readonly GraphProto graph;
    private readonly string file;
    private readonly HashSet<string> outputs;
    private readonly SortedSet<DataType> found = [];

    private SinglePrecision(GraphProto graph, string file) =>
        (this.graph, this.file, outputs) = (graph, file, graph.Output.Select(output => output.Name).ToHashSet());

    /// <summary>
    /// Converts in place, where layers compute in another precision, or images or answers are of one. What merely is stored in one, and a
    /// side calculation of shapes, stay.
    /// </summary>
    /// <param name="model">Nodes in topological order.</param>
    /// <param name="file">Path that errors name.</param>
    /// <returns>Null where there was nothing to convert.</returns>
    /// <exception cref="OnnxFormatException">An input or output is a sequence, or may be absent, and is of such a type.</exception>
    public static ConvertedTypes? Apply(ModelProto model, string file)
    {
        if (!PrecisionSearch.ComputesInOthers(model.Graph))
        {
            return null;
        }
        var ends = model.Graph.Input.Concat(model.Graph.Output).Where(value => FloatTypes.IsOther(value.Type))
            .DistinctBy(value => value.Name).ToDictionary(value => value.Name, value => TypeOf(value, file));
        var reading = new SinglePrecision(model.Graph, file);
        reading.Convert(model.Graph, PrecisionSearch.Stored(model.Graph));
        return new ConvertedTypes([.. reading.found], ends);
    }

    private static DataType TypeOf(ValueInfoProto value, string file) => (DataType)(value.Type.TensorType?.ElemType
        ?? throw new OnnxFormatException(
            file,
            "is a sequence of tensors, or one that may be absent, of another precision than float; "
                + "export the model with tensors in its place",
            tensor: value.Name));

    private void Convert(GraphProto part, IReadOnlySet<string> stored)
    {
        foreach (var tensor in part.Initializer.Where(tensor => !stored.Contains(tensor.Name))
            .Concat(part.SparseInitializer.Select(sparse => sparse.Values)))
        {
            Convert(tensor);
        }
        foreach (var value in part.Input.Concat(part.Output).Concat(part.ValueInfo))
        {
            Convert(value.Type);
        }
        foreach (var node in part.Node)
        {
            foreach (var attribute in FloatTypes.Said(node))
            {
                // A Cast at an output only gives it its type.
                if (part != graph || !node.Is("Cast") || !outputs.Contains(node.Output[0]))
                {
                    found.Add((DataType)attribute.I);
                }
                attribute.I = (long)DataType.Float;
            }
            foreach (var attribute in node.Attribute)
            {
                Convert(attribute);
            }
            foreach (var body in GraphWalk.Bodies(node))
            {
                Convert(body, new HashSet<string>());
            }
        }
    }

    private void Convert(AttributeProto attribute)
    {
        foreach (var tensor in attribute.Tensors.Append(attribute.T).Append(attribute.SparseTensor?.Values).OfType<TensorProto>())
        {
            Convert(tensor);
        }
        foreach (var type in attribute.TypeProtos.Append(attribute.Tp).OfType<TypeProto>())
        {
            Convert(type);
        }
    }

    private void Convert(TensorProto tensor)
    {
        if (FloatTypes.IsOther(tensor.DataType))
        {
            found.Add((DataType)tensor.DataType);
            var floats = TensorData.Singles(tensor.Name, TensorData.ReadSingles(file, tensor), [.. tensor.Dims]);
            tensor.Int32Data.Clear();
            tensor.DoubleData.Clear();
            (tensor.DataType, tensor.RawData) = (floats.DataType, floats.RawData);
        }
    }

    private static void Convert(TypeProto? type)
    {
        foreach (var element in type is null ? [] : FloatTypes.Elements(type).Where(element => FloatTypes.IsOther(element.ElemType)))
        {
            element.ElemType = (int)DataType.Float;
        }
    }
}

/// <summary>What was read as float.</summary>
/// <param name="Inside">Types that the network computed in, ascending. Shape: [types].</param>
/// <param name="Ends">Types that inputs and outputs have in the file, where they are others than float, by name.</param>
internal sealed record ConvertedTypes(IReadOnlyList<DataType> Inside, IReadOnlyDictionary<string, DataType> Ends);
