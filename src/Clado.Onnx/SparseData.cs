using Google.Protobuf.Collections;
using static System.FormattableString;

namespace Clado.Onnx;

/// <summary>Sparse tensors, made dense.</summary>
internal static class SparseData
{
    /// <summary>A dense tensor of the same values, zero where a sparse one has none.</summary>
    /// <param name="file">Path that errors name.</param>
    /// <param name="sparse">The sparse tensor, its values in raw bytes or floats.</param>
    /// <param name="name">Name of the dense one.</param>
    /// <exception cref="OnnxFormatException">It is malformed, or has more bytes than a message can have.</exception>
    public static TensorProto Dense(string file, SparseTensorProto sparse, string name)
    {
        var shape = new TensorProto { Name = name, DataType = sparse.Values?.DataType ?? 0 };
        shape.Dims.Add(sparse.Dims);
        OnnxFormatException Malformed(string problem) => new(file, $"is a sparse constant {problem}; export the model again", tensor: name);
        if (sparse.Values is not { } values || sparse.Indices is not { } indices || values.Dims is not [var count])
        {
            throw Malformed("without values and indices");
        }
        long bytes = TensorData.SizeBytes(file, shape), elements = TensorData.ElementCount(file, shape);
        if (bytes > OnnxFile.LargestBytes || elements == 0 || bytes % elements != 0)
        {
            throw Malformed(Invariant($"of shape {ShapeText.Of(sparse.Dims)}, which is none, or too large"));
        }
        int width = (int)(bytes / elements);
        byte[] source = values.HasRawData ? values.RawData.ToByteArray()
            : [.. TensorData.ReadSingles(file, values).SelectMany(BitConverter.GetBytes)];
        long[] places = Places(TensorData.ReadIntegers(file, indices), indices.Dims.Count, sparse.Dims);
        if (source.Length != count * width || places.Length != count || places.Any(place => place < 0 || place >= elements))
        {
            throw Malformed("whose values and indices do not fit together");
        }
        var dense = new byte[bytes];
        for (int i = 0; i < places.Length; i++)
        {
            source.AsSpan(i * width, width).CopyTo(dense.AsSpan((int)(places[i] * width)));
        }
        return TensorData.Create(name, (TensorProto.Types.DataType)values.DataType, dense, [.. sparse.Dims]);
    }

    /// <summary>Positions in row-major order: as they are where there is one a value, else of one index an axis.</summary>
    private static long[] Places(long[] indices, int rank, RepeatedField<long> dims)
    {
        if (rank < 2)
        {
            return indices;
        }
        var rows = indices.Chunk(Math.Max(1, dims.Count));
        return [.. rows.Select(row => row.Index().Any(i => i.Item < 0 || i.Item >= dims[i.Index])
            ? -1
            : row.Index().Aggregate(0L, (place, i) => (place * dims[i.Index]) + i.Item))];
    }
}
