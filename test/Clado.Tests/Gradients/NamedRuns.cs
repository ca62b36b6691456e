using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace Clado.Tests.Gradients;

/// <summary>Runs models of several outputs by name.</summary>
internal static class NamedRuns
{
    internal static Dictionary<string, float[]> Feeds(Graph graph, int images, Random random) => new()
    {
        [graph.Input] = Differences.Normal(random, (int)graph.InputShape.Of(images).Aggregate(1L, (a, b) => a * b)),
    };

    /// <summary>Runs a model; of what the graph does not say, rows are <paramref name="columns"/> long.</summary>
    internal static Dictionary<string, float[]> Run(
        ModelProto model, Dictionary<string, float[]> feeds, int images, long columns, Dictionary<string, long[]>? shapes = null)
    {
        using var session = new GraphSession(model, "test.onnx");
        var values = new Dictionary<string, OrtValue>();
        foreach (var input in model.Graph.Input)
        {
            var type = input.Type.TensorType;
            long[] dims = shapes?.GetValueOrDefault(input.Name)
                ?? [images, .. type.Shape.Dim.Skip(1).Select(d => d.HasDimValue ? d.DimValue : columns)];
            values.Add(input.Name, type.ElemType == (int)TensorProto.Types.DataType.Int64
                ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(feeds[input.Name], v => (long)v), dims)
                : OrtValue.CreateTensorValueFromMemory(feeds[input.Name], dims));
        }
        using var results = session.Run(values);
        return session.Outputs.Zip(results).ToDictionary(o => o.First, o => o.Second.GetTensorDataAsSpan<float>().ToArray());
    }

    internal static void AssertClose(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        double size = Math.Sqrt(expected.Average(v => (double)v * v));
        Assert.All(expected.Zip(found), pair => Assert.InRange(pair.Second - pair.First, (-1e-4 * size) - 1e-6, (1e-4 * size) + 1e-6));
    }
}
