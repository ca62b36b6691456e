using Clado.Candidates;
using Clado.Graphs;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Tuning;

/// <summary>Numbers as tensors of a network, and back.</summary>
internal static class TensorFeed
{
    /// <summary>A tensor of some images.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="tensor">Name of the tensor.</param>
    /// <param name="values">Its values, which it takes over. Shape: [images · elements].</param>
    /// <param name="images">How many images. Range: [1, inf).</param>
    public static OrtValue Value(this Graph graph, string tensor, float[] values, int images) =>
        OrtValue.CreateTensorValueFromMemory(values, Shape(graph.Tensors[tensor], images));

    /// <summary>What a network takes to compute from a tensor on; the image is rounded as its input wants it.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="tensor">Name of the tensor, or of the image.</param>
    /// <param name="values">Its values. Shape: [images · elements].</param>
    /// <param name="images">How many images. Range: [1, inf).</param>
    /// <returns>Values by name; the caller disposes them.</returns>
    public static InputFeed Feed(this Graph graph, string tensor, float[] values, int images) => tensor == graph.Input
        ? graph.Inputs.Feed(values, Shape(graph.Tensors[tensor], images))
        : new InputFeed { { tensor, graph.Value(tensor, values, images) } };

    /// <summary>Weights and biases of layers, by the names of their constants.</summary>
    /// <param name="layers">Layers with their weights and, where they are not as they were, biases; both are taken over.</param>
    /// <returns>Values by name; the caller disposes them.</returns>
    public static InputFeed Constants(IEnumerable<(Candidate Layer, float[] Weights, float[]? Biases)> layers)
    {
        var values = new InputFeed();
        foreach (var (layer, weights, biases) in layers)
        {
            values.Add(layer.Layer.Weight, OrtValue.CreateTensorValueFromMemory(weights, [.. layer.Layer.Shape]));
            if (biases is not null)
            {
                values.Add(layer.Layer.Bias!, OrtValue.CreateTensorValueFromMemory(biases, [biases.Length]));
            }
        }
        return values;
    }

    /// <summary>The numbers of a tensor.</summary>
    public static float[] Singles(this OrtValue value) => value.GetTensorDataAsSpan<float>().ToArray();

    private static long[] Shape(TensorInfo info, int images) =>
        [.. info.Shape.Zip(info.Batched, (dim, batched) => batched ? dim * images : dim)];
}
