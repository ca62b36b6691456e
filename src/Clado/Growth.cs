using Clado.Activations;
using Clado.Allocation;
using Clado.Graphs;
using Clado.Layers;
using Clado.Packing;
using static System.FormattableString;

namespace Clado;

/// <summary>Why a file would be larger than the model it is made of, and what to do.</summary>
internal static class Growth
{
    /// <summary>Says so in a line.</summary>
    /// <param name="result">A choice.</param>
    /// <param name="space">The network, its layers and their widths.</param>
    /// <param name="format">What activations are in the file.</param>
    /// <returns>null where the file is no larger.</returns>
    public static string? Of(AllocationResult result, SearchSpace space, ActivationFormat format)
    {
        var (graph, model) = (space.Graph, space.Graph.FileSizeBytes);
        if (result.Chosen.Count == 0 || result.SizeBytes <= model)
        {
            return null;
        }
        var larger = result.SmallestBytes > model
            ? Invariant($"the smallest file of these widths, {result.SmallestBytes:N0} bytes, is larger than the model, {model:N0} bytes")
            : Invariant($"the result, {result.SizeBytes:N0} bytes, is larger than the model, {model:N0} bytes");
        return $"{Path.GetFileName(graph.File)}: {larger}: "
            + $"{Reason(result, space)}; {Advice(result, space, format)}";
    }

    /// <summary>Whatever is chosen, the file is larger.</summary>
    /// <param name="result">A choice.</param>
    /// <param name="graph">The network.</param>
    public static bool IsSure(AllocationResult result, Graph graph) => result.SmallestBytes > graph.FileSizeBytes;

    private static string Reason(AllocationResult result, SearchSpace space)
    {
        var layers = space.Layers.Layers;
        var quantized = QuantizedParts.Of(space.Graph, layers).WeightBits;
        long onGrid = quantized.Zip(layers, (bits, layer) => bits is null ? 0 : layer.Parameters).Sum();
        long kept = space.Layers.Kept.Sum(k => k.Bytes);
        return 2 * onGrid > layers.Sum(layer => layer.Parameters) ? Invariant($"its weights are {quantized.Max()} bits already")
            : 2 * kept > result.SizeBytes ? Invariant($"{kept:N0} bytes are constants that stay float")
            : "what unpacks the weights takes more than they give";
    }

    private static string Advice(AllocationResult result, SearchSpace space, ActivationFormat format)
    {
        long model = space.Graph.FileSizeBytes;
        List<string> ways = [];
        if (format == ActivationFormat.Int8)
        {
            long floats = new FileSize(space.Graph, space.Layers.Layers).PredictForKernels(result.Chosen);
            ways.Add(Invariant($"{Settings.Activations} float gives {floats:N0} bytes"));
        }
        if (result.SmallestBytes <= model)
        {
            ways.Add(Invariant($"{Settings.Budget} {model} gives a file that is no larger"));
        }
        if (space.Widths.Any(widths => widths[0] > 2))
        {
            ways.Add($"allow narrower widths with {Settings.Bits}");
        }
        return ways.Count > 0 ? string.Join(", or ", ways) : "keep the model as it is";
    }
}
