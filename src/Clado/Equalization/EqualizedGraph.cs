using Clado.Calibration;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Equalization;

/// <summary>Writes channel factors into a network.</summary>
internal static class EqualizedGraph
{
    /// <summary>
    /// The network with its channels scaled; its outputs are the same up to the rounding of single precision. A Clip becomes a Relu and a Min with a ceiling a
    /// channel.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <param name="pairs">Tensors that may be scaled, of this network. Shape: [pairs].</param>
    /// <param name="scalings">What to do to some of them. Shape: [scalings].</param>
    /// <exception cref="ArgumentException">A scaling is of no pair, or of another number of channels.</exception>
    public static Graph Of(Graph graph, IReadOnlyList<ChannelPair> pairs, IReadOnlyList<ChannelScaling> scalings)
    {
        var model = graph.Model.Clone();
        var constants = model.Graph.Initializer.ToDictionary(t => t.Name);
        foreach (var scaling in scalings)
        {
            var pair = pairs.FirstOrDefault(p => p.Tensor == scaling.Tensor && p.Channels == scaling.Factors.Count)
                ?? throw new ArgumentException($"No {scaling.Factors.Count} channels of '{scaling.Tensor}' can be scaled.", nameof(scalings));
            foreach (var (name, stride) in pair.Producers)
            {
                float[] values = TensorData.ReadSingles(graph.File, constants[name]);
                TensorData.Overwrite(constants[name], [.. values.Select((value, e) => value / scaling.Factors[e / stride % pair.Channels])]);
            }
            foreach (var consumer in pair.Consumers)
            {
                TensorData.Overwrite(constants[consumer.Weight], Read(consumer, TensorData.ReadSingles(graph.File, constants[consumer.Weight]), scaling.Factors));
            }
            if (pair.Clip is { } clip)
            {
                ClipByChannel(graph, model.Graph, graph.Nodes[clip], scaling.Factors);
            }
        }
        return graph.With(model);
    }

    /// <summary>The weights of a layer whose input channels come divided by factors.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weights">Shape: [parameters].</param>
    /// <param name="factors">Shape: [input channels].</param>
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
        string output = clip.Output[0], positive = Unused(target, output + "/positive"), ceilings = Unused(target, output + "/ceilings");
        long[] dims = [factors.Count, .. Enumerable.Repeat(1L, graph.Tensors[output].Shape.Count - 2)];
        target.Initializer.Add(TensorData.Singles(ceilings, [.. factors.Select(factor => ceiling / factor)], dims));
        int at = target.Node.IndexOf(target.Node.First(n => n.Output.Contains(output)));
        target.Node.RemoveAt(at);
        target.Node.Insert(at, NodeExtensions.Node("Min", [positive, ceilings], output));
        target.Node.Insert(at, NodeExtensions.Node("Relu", [clip.Operand(0)], positive));
        target.Node[at].Name = clip.Name;
    }

    private static string Unused(GraphProto graph, string name) => GraphWalk.Names(graph).Contains(name) ? Unused(graph, name + "_") : name;
}
