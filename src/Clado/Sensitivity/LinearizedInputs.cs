using Clado.Gradients;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Sensitivity;

/// <summary>Changes of layers as inputs of a model: they are fed as they lie in memory, and no session keeps a copy.</summary>
/// <param name="graph">The model's graph.</param>
/// <param name="nodes">Where nodes are written.</param>
internal sealed class LinearizedInputs(GraphProto graph, NodeWriter nodes)
{
    /// <summary>Values and shapes by names.</summary>
    public Dictionary<string, (float[] Values, long[] Shape)> All { get; } = [];

    /// <summary>Adds an input.</summary>
    /// <param name="values">What it is fed at every run. Shape: [elements].</param>
    /// <param name="dims">Its shape.</param>
    public Value Add(float[] values, long[] dims)
    {
        var name = nodes.Fresh("change");
        var shape = new TensorShapeProto();
        shape.Dim.Add(dims.Select(dim => new TensorShapeProto.Types.Dimension { DimValue = dim }));
        var type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float, Shape = shape } };
        graph.Input.Add(new ValueInfoProto { Name = name, Type = type });
        All.Add(name, (values, dims));
        return new Value(nodes, name);
    }
}
