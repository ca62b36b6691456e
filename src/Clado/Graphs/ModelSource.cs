using System.Collections.Frozen;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>What is known of the file that a graph was read from.</summary>
/// <param name="File">Its path; what errors call it by.</param>
/// <param name="Hash">SHA-256 of the model (its file's bytes, external data included), lower-case hexadecimal.</param>
/// <param name="Opset">The opset the file was written for.</param>
/// <param name="SizeBytes">Bytes of the file, external data included.</param>
internal sealed record ModelSource(string File, string Hash, int Opset, long SizeBytes)
{
    /// <summary>Types other than float that its network computes in; read as floats. Shape: [types].</summary>
    public IReadOnlyList<DataType> Precisions { get; init; } = [];

    /// <summary>Types of inputs and outputs that are of another precision than float in the file, by name.</summary>
    public IReadOnlyDictionary<string, DataType> EndTypes { get; init; } = FrozenDictionary<string, DataType>.Empty;
}
