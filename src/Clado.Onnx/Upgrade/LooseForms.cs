namespace Clado.Onnx.Upgrade;

/// <summary>What exporters leave in files and ONNX Runtime accepts, brought into the one form that all else here expects.</summary>
internal static class LooseForms
{
    /// <summary>Changes a model in place.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">Path that errors name.</param>
    public static void Settle(ModelProto model, string file)
    {
        var graph = model.Graph;
        foreach (var sparse in graph.SparseInitializer)
        {
            graph.Initializer.Add(SparseData.Dense(file, sparse, sparse.Values?.Name ?? ""));
        }
        graph.SparseInitializer.Clear();
        DropCopies(graph);
        foreach (var value in graph.Input.Concat(graph.Output).Concat(graph.ValueInfo))
        {
            FreeOddDimensions(value);
        }
    }

    /// <summary>A constant that is there twice with the same values is there once; with others nobody can tell which is meant.</summary>
    private static void DropCopies(GraphProto graph)
    {
        var seen = new Dictionary<string, TensorProto>();
        TensorProto[] kept = [.. graph.Initializer.Where(t => seen.TryAdd(t.Name, t) || !seen[t.Name].Equals(t))];
        if (kept.Length < graph.Initializer.Count)
        {
            graph.Initializer.Clear();
            graph.Initializer.Add(kept);
        }
    }

    /// <summary>A dimension of 0 or below, as which some exporters write one that they do not know, is free.</summary>
    private static void FreeOddDimensions(ValueInfoProto value)
    {
        foreach (var dim in value.Type?.TensorType?.Shape?.Dim.Where(d => d is { HasDimValue: true, DimValue: <= 0 }) ?? [])
        {
            dim.ClearDimValue();
        }
    }
}
