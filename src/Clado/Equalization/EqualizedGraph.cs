using Clado.Calibration;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Equalization;

/// <summary>Writes channel factors into a network.</summary>
internal static class EqualizedGraph
{
    /// <summary>
    /// The network with scaled channels. Its outputs are the same up to the rounding of single precision.
    /// A Clip becomes a Relu and a Min with a ceiling for each channel.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <param name="pairs">Tensors that may be scaled, of this network. Shape: [pairs].</param>
    /// <param name="scalings">The factors of some of them. Shape: [scalings].</param>
    /// <exception cref="ArgumentException">A scaling is of no pair, or has another number of channels.</exception>
    public static Graph Of(Graph graph, IReadOnlyList<ChannelPair> pairs, IReadOnlyList<ChannelScaling> scalings)
    {
        var model = graph.Model.Clone();
        var constants = model.Graph.Initializer.ToDictionary(t => t.Name);
        foreach (var scaling in scalings)
        {
            var pair = pairs.FirstOrDefault(p => p.Tensor == scaling.Tensor && p.Channels == scaling.Factors.Count)
                ?? throw new ArgumentException(
                    $"No {scaling.Factors.Count} channels of '{scaling.Tensor}' can be scaled.", nameof(scalings));
            foreach (var (name, stride) in pair.Producers)
            {
                float[] values = TensorData.ReadSingles(graph.File, constants[name]);
                float Divided(float value, int element) => value / scaling.Factors[element / stride % pair.Channels];
                TensorData.Overwrite(constants[name], [.. values.Select(Divided)]);
            }
            foreach (var consumer in pair.Consumers)
            {
                var weight = constants[consumer.Weight];
                TensorData.Overwrite(weight, Read(consumer, TensorData.ReadSingles(graph.File, weight), scaling.Factors));
            }
            if (pair.Clip is { } clip)
            {
                ClipByChannel(graph, model.Graph, graph.Nodes[clip], scaling.Factors);
            }
        }
        return graph.With(model);
    }

    /// <summary>The weights of a layer whose input channels are divided by factors.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weights">Its weights for channels that are not divided. Shape: [parameters].</param>
    /// <param name="factors">The factors. Shape: [input channels].</param>
    /// <returns>Shape: [parameters].</returns>
    public static float[] Read(QuantizableLayer layer, float[] weights, IReadOnlyList<float> factors)
    {
        var matrix = WeightMatrix.Of(layer);
        var scaled = new float[weights.Length];
        for (int group = 0; group < matrix.Groups; group++)
        {
            for (int row = 0; row < matrix.Rows; row++)
            {
                for (int column = 0; column < matrix.Columns; column++)
                {
                    int at = matrix.Position(group, row, column);
                    scaled[at] = weights[at] * factors[(group * matrix.InputChannels) + (column / matrix.Taps)];
                }
            }
        }
        return scaled;
    }

    private static void ClipByChannel(Graph graph, GraphProto target, NodeProto clip, IReadOnlyList<float> factors)
    {
        float ceiling = PairFinder.Ceiling(graph, clip)!.Value;
        string output = clip.Output[0];
        string positive = Unused(target, output + "/positive"), ceilings = Unused(target, output + "/ceilings");
        long[] dims = [factors.Count, .. Enumerable.Repeat(1L, graph.Tensors[output].Shape.Count - 2)];
        target.Initializer.Add(TensorData.Singles(ceilings, [.. factors.Select(factor => ceiling / factor)], dims));
        int at = target.Node.IndexOf(target.Node.First(n => n.Output.Contains(output)));
        target.Node.RemoveAt(at);
        target.Node.Insert(at, NodeExtensions.Node("Min", [positive, ceilings], output));
        target.Node.Insert(at, NodeExtensions.Node("Relu", [clip.Operand(0)], positive));
        target.Node[at].Name = clip.Name;
    }

    private static string Unused(GraphProto graph, string name) =>
        GraphWalk.Names(graph).Contains(name) ? Unused(graph, name + "_") : name;
}
