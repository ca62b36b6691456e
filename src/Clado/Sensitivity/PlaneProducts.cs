using System.Numerics.Tensors;
using Clado.Execution;
using Clado.Gradients.Rules;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Sensitivity;

/// <summary>
/// The scalar products of the gradients of a convolution of images with its changes, image by image: where every weight sees many places,
/// so that matrices of what each place sees would be large, and where it is depthwise, so that they would be narrow.
/// </summary>
internal sealed class PlaneProducts
{
    // Places that make a scalar product longer than what is around it.
    private const int FewPlaces = 200;

    private readonly LayerChanges changes;
    private readonly (string Image, string Output, long[] Size, Window Window)[] uses;

    private PlaneProducts(LayerChanges changes, (string, string, long[], Window)[] uses) => (this.changes, this.uses) = (changes, uses);

    /// <summary>Rows of the candidates.</summary>
    public int[] Rows => changes.Rows;

    /// <summary>Names of the tensors that the gradients by are wanted. Shape: [uses].</summary>
    public IEnumerable<string> Outputs => uses.Select(use => use.Output);

    /// <summary>Names of the tensors that the layer is applied to. Shape: [uses].</summary>
    public IEnumerable<string> Images => uses.Select(use => use.Image);

    /// <summary>The products of a layer; null where it is no such convolution.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="changes">The layer, and what changes of it.</param>
    /// <param name="uses">The nodes that use its weight.</param>
    public static PlaneProducts? Of(Graph graph, LayerChanges changes, IEnumerable<LinearUse> uses)
    {
        var layer = changes.Layer;
        var all = uses.ToArray();
        bool IsSuch(LinearUse use) => use.Node.OpType == "Conv" && use.HasWeightGradient
            && graph.Tensors[use.Node.Operand(0)].Shape[0] == 1
            && (layer.Shape[1] == 1 || graph.Tensors[use.Output].Shape.Skip(Window.Leading).Aggregate(1L, (a, b) => a * b) > FewPlaces);
        if (layer.Shape.Count != 4 || layer.Shape[2] * layer.Shape[3] == 1 || !all.All(IsSuch))
        {
            return null;
        }
        return new PlaneProducts(changes, [.. all.Select(use =>
        {
            var image = graph.Tensors[use.Node.Operand(0)];
            var window = Window.Of(use.Node, layer.Shape.Skip(Window.Leading), image, graph.Tensors[use.Output]);
            return (use.Node.Operand(0), use.Output, (long[])[.. image.Shape.Skip(Window.Leading)], window);
        })]);
    }

    /// <summary>Computes them.</summary>
    /// <param name="images">How many images.</param>
    /// <param name="seen">Of a use, what the layer is applied to. Shape: [images · elements].</param>
    /// <param name="gradients">Of a pass and a use, the gradient by its output. Shape: [images · elements].</param>
    /// <param name="passes">Passes back.</param>
    /// <param name="work">Runs ranges of the images.</param>
    /// <returns>
    /// Of every pass, Shape: [images · candidates]; and where rows are measured, Shape: [images · candidates · channels]. Shape: [passes].
    /// </returns>
    public (float[] Whole, float[] Channels)[] Compute(
        int images, Func<string, OrtValue> seen, Func<int, string, OrtValue> gradients, int passes, SideBySide work)
    {
        int count = changes.Rows.Length;
        var products = Enumerable.Range(0, passes)
            .Select(_ => (new float[images * count], new float[changes.HasChannels ? images * count * Channels : 0])).ToArray();
        work.ForRanges(images, (from, to) =>
        {
            float[][] weights = [.. products.Select(_ => new float[(to - from) * changes.Layer.Parameters])];
            float[][] biases = [.. products.Select(_ => new float[(to - from) * Channels])];
            foreach (var (image, output, size, window) in uses)
            {
                Add(
                    new PlaneGradient(window, (int)size[0], (int)size[1]), from, seen(image),
                    [.. Enumerable.Range(0, passes).Select(pass => gradients(pass, output))], weights, biases);
            }
            for (int pass = 0; pass < passes; pass++)
            {
                var (whole, channels) = products[pass];
                float[]? shifts = changes.Biases is null ? null : biases[pass];
                Write(weights[pass], shifts, whole.AsSpan(from * count, (to - from) * count));
                if (channels.Length > 0)
                {
                    WriteChannels(weights[pass], shifts, channels.AsSpan(from * count * Channels, (to - from) * count * Channels));
                }
            }
        });
        return products;
    }

    /// <summary>Rows of the candidates whose channels are measured too.</summary>
    public int[] ChannelRows => changes.HasChannels ? changes.Rows : [];

    private int Channels => (int)changes.Layer.Shape[0];

    /// <summary>Adds the gradients of images, from one of them on, by the weights and by the biases of one use.</summary>
    private void Add(PlaneGradient plan, int from, OrtValue seen, OrtValue[] gradients, float[][] weights, float[][] biases)
    {
        int inputs = (int)changes.Layer.Shape[1], outputs = Channels / (int)changes.Layer.Groups;
        // The channels that a group makes, each with its passes.
        var laidImage = new float[plan.ImageLength];
        var laid = new float[outputs * gradients.Length * plan.GradientLength];
        var sums = new float[outputs * gradients.Length * plan.Weights];
        int before = from * Channels;
        var x = seen.GetTensorDataAsSpan<float>()[(from * (int)changes.Layer.Groups * inputs * plan.ImageSize)..];
        for (int group = 0; group < biases[0].Length / outputs; group++)
        {
            for (int i = 0; i < outputs * gradients.Length; i++)
            {
                var (plane, pass) = ((group * outputs) + (i / gradients.Length), i % gradients.Length);
                var own = gradients[pass].GetTensorDataAsSpan<float>().Slice((before + plane) * plan.Places, plan.Places);
                plan.LayGradient(own, laid.AsSpan(i * plan.GradientLength, plan.GradientLength));
                biases[pass][plane] += TensorPrimitives.Sum(own);
            }
            for (int input = 0; input < inputs; input++)
            {
                plan.LayImage(x.Slice(((group * inputs) + input) * plan.ImageSize, plan.ImageSize), laidImage);
                sums.AsSpan().Clear();
                plan.Add(laidImage, laid, sums);
                for (int i = 0; i < outputs * gradients.Length; i++)
                {
                    var (plane, pass) = ((group * outputs) + (i / gradients.Length), i % gradients.Length);
                    var own = weights[pass].AsSpan(((plane * inputs) + input) * plan.Weights, plan.Weights);
                    TensorPrimitives.Add(own, sums.AsSpan(i * plan.Weights, plan.Weights), own);
                }
            }
        }
    }

    private void Write(float[] weights, float[]? biases, Span<float> products)
    {
        int count = changes.Rows.Length, parameters = (int)changes.Layer.Parameters;
        for (int i = 0; i < products.Length; i++)
        {
            var (image, row) = (i / count, i % count);
            products[i] = TensorPrimitives.Dot<float>(
                weights.AsSpan(image * parameters, parameters), changes.Weights.AsSpan(row * parameters, parameters));
            if (biases is not null)
            {
                products[i] += TensorPrimitives.Dot<float>(
                    biases.AsSpan(image * Channels, Channels), changes.Biases.AsSpan(row * Channels, Channels));
            }
        }
    }

    private void WriteChannels(float[] weights, float[]? biases, Span<float> products)
    {
        int own = (int)changes.Layer.Parameters / Channels, count = changes.Rows.Length;
        for (int i = 0; i < products.Length; i++)
        {
            int channel = i % Channels, row = i / Channels % count, seen = ((i / Channels / count) * Channels) + channel;
            int changed = (row * Channels) + channel;
            products[i] = TensorPrimitives.Dot<float>(weights.AsSpan(seen * own, own), changes.Weights.AsSpan(changed * own, own))
                + (biases is null ? 0 : biases[seen] * changes.Biases![changed]);
        }
    }
}
