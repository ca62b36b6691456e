using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>Type and shape of a tensor in the graph, as found by running it.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions for one image (a batch of one). Shape: [rank].</param>
/// <param name="Batched">Which dimensions grow with the number of images. Shape: [rank].</param>
internal sealed record TensorInfo(DataType Type, IReadOnlyList<long> Shape, IReadOnlyList<bool> Batched)
{
    /// <summary>Number of elements for one image. Range: [0, inf).</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, dim) => product * dim);
}
