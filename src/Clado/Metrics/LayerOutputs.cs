using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Metrics;

/// <summary>What layers give for images: the feature maps that some metrics look at.</summary>
internal static class LayerOutputs
{
    // Outputs that are held at once, of all images and as many layers as fit.
    private const long MostBytes = 512L << 20;

    /// <summary>Runs images through the network, one at a time, and gives the outputs of every layer, layer by layer.</summary>
    /// <param name="context">The network.</param>
    /// <param name="images">The images, one a batch. Shape: [images].</param>
    /// <param name="look">Takes the position of a layer, and its output for every image. Shape: [images][elements].</param>
    /// <exception cref="CladoException">What a layer gives is no tensor of floats.</exception>
    public static void ForEach(MetricContext context, IReadOnlyList<ImageBatch> images, Action<int, float[][]> look)
    {
        var layers = context.Layers.Index().ToArray();
        for (int first = 0; first < layers.Length;)
        {
            long bytes = 0;
            int Bytes(int layer) => checked((int)(sizeof(float) * Info(context, layers[layer].Item).ElementCount));
            int end = first;
            do
            {
                bytes += (long)Bytes(end) * images.Count;
                end++;
            }
            while (end < layers.Length && bytes + ((long)Bytes(end) * images.Count) <= MostBytes);
            Run(context, images, layers[first..end], look);
            context.Count(1, images.Count);
            context.Report((double)end / layers.Length);
            first = end;
        }
    }

    /// <summary>The axis of channels of a layer's output, of one image; null where it has none that is known.</summary>
    public static int? ChannelAxis(MetricContext context, QuantizableLayer layer) => layer.Op switch
    {
        "Conv" or "ConvTranspose" => 1,
        "Gemm" or "MatMul" or "Gather" => Info(context, layer).Shape.Count - 1,
        _ => null,
    };

    /// <summary>Type and shape of a layer's output, where it is used first.</summary>
    public static TensorInfo Info(MetricContext context, QuantizableLayer layer) =>
        context.Graph.Tensors.GetValueOrDefault(Name(context, layer)) ?? throw new CladoException(
            $"{Path.GetFileName(context.Graph.File)}: what layer {layer.Name} gives is no tensor");

    private static string Name(MetricContext context, QuantizableLayer layer) =>
        context.Graph.Nodes[context.Graph.Consumers(layer.Weight)[0]].Output[0];

    private static void Run(
        MetricContext context, IReadOnlyList<ImageBatch> images, (int Index, QuantizableLayer Item)[] layers, Action<int, float[][]> look)
    {
        string[] names = [.. layers.Select(layer => Name(context, layer.Item)).Distinct()];
        using var session = new GraphSession(GraphPart.Extract(context.Graph, context.Graph.Inputs.Names, names), context.Graph.File);
        var found = new Dictionary<string, float[]>[images.Count];
        context.Inputs.Work.SideBySide.For(images.Count, image =>
        {
            using var feed = images[image].Feed();
            using var values = session.Run(feed);
            found[image] = session.Outputs.Zip(values).ToDictionary(own => own.First, own => Floats(own.Second));
        });
        foreach (var (index, layer) in layers)
        {
            look(index, [.. found.Select(own => own[Name(context, layer)])]);
        }
    }

    private static float[] Floats(OrtValue value) => value.GetTensorDataAsSpan<float>().ToArray();
}
