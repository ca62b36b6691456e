using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients;

/// <summary>Inputs that seeds add to a graph, each once, whoever reads them.</summary>
internal sealed class SeedInputs
{
    private readonly Dictionary<string, Value> made = [];

    public SeedInputs(GradientContext context) => Context = context;

    public GradientContext Context { get; }

    /// <summary>A float input in the shape of a tensor.</summary>
    /// <param name="name">Name of the input.</param>
    /// <param name="tensor">Name of the tensor.</param>
    public Value Like(string name, string tensor) => Of(name, DataType.Float, Context.Info(tensor));

    /// <summary>An int64 input, one an image. Shape: [images].</summary>
    public Value PerImage(string name) => Of(name, DataType.Int64, new TensorInfo(DataType.Int64, [1], [Context.Graph.HasFreeBatch]));

    private Value Of(string name, DataType type, TensorInfo info)
    {
        if (!made.TryGetValue(name, out var value))
        {
            var shape = new TensorShapeProto();
            shape.Dim.Add(info.Shape.Zip(
                info.Batched, (dim, batched) => batched ? new TensorShapeProto.Types.Dimension() : new() { DimValue = dim }));
            Context.Model.Graph.Input.Add(
                new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)type, Shape = shape } } });
            made.Add(name, value = Context.Of(name));
        }
        return value;
    }
}
