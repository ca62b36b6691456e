using System.Numerics.Tensors;
using Clado.Execution;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>A network with every tensor as an output, as it is, to look at.</summary>
internal sealed class NetworkProbe : IDisposable
{
    // Of the difference that the image makes: what batches of other sizes change is a millionth of the outputs, another image in
    // the batch all of it.
    private const double Crosstalk = 0.1;

    // Of the outputs themselves, where the image makes no difference.
    private const double Rounding = 1e-4;

    private static readonly HashSet<string> Heads = ["Softmax", "LogSoftmax", "Sigmoid", "Add", "Identity", "Cast"];

    private readonly GraphSession session;
    private readonly GraphInputs inputs;
    private readonly GraphProto graph;

    /// <summary>Makes it ready to run.</summary>
    /// <param name="model">The model; it stays as it is.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="file">Path that errors name.</param>
    public NetworkProbe(ModelProto model, GraphInputs inputs, string file)
    {
        (this.inputs, graph) = (inputs, model.Graph);
        var probe = model.Clone();
        probe.Graph.Output.Clear();
        probe.Graph.ValueInfo.Clear();
        var produced = model.Graph.Node.SelectMany(n => n.Output).Where(o => o.Length > 0);
        probe.Graph.Output.Add(produced.Select(name => new ValueInfoProto { Name = name }));
        session = new GraphSession(probe, file, GraphOptimizationLevel.ORT_DISABLE_ALL);
    }

    /// <summary>Type and shape of every tensor for an input of zeros, by name.</summary>
    /// <param name="shape">Shape of the image input. Shape: [rank].</param>
    public Dictionary<string, TensorInfo> Shapes(long[] shape)
    {
        using var feed = inputs.Feed(new float[shape.Aggregate(1L, (product, dim) => product * dim)], shape);
        using var values = session.Run(feed);
        var infos = session.Outputs.Zip(values).Where(output => output.Second.IsTensor)
            .ToDictionary(output => output.First, output => Info(output.Second));
        foreach (var (name, value) in feed)
        {
            infos.Add(name, Info(value));
        }
        return infos;
    }

    /// <summary>
    /// Whether an image becomes several rows of classes: what a network with a reshape to [-1, …] in front of its last layer makes of
    /// images that are larger than it is for.
    /// </summary>
    /// <param name="tensors">Shapes for one image, by name.</param>
    public bool IsTakenApart(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        var walk = new GraphWalk([.. graph.Node]);
        bool IsRows(string output)
        {
            int maker = walk.Producer(output);
            while (maker >= 0 && graph.Node[maker] is var head && head.IsStandard() && Heads.Contains(head.OpType))
            {
                maker = head.Operands().Select(walk.Producer).FirstOrDefault(index => index >= 0, -1);
            }
            return tensors.TryGetValue(output, out var info) && info.Shape is [> 1, _]
                && maker >= 0 && graph.Node[maker] is var last && (last.Is("Gemm") || last.Is("MatMul"));
        }
        return graph.Output.Count > 0 && graph.Output.All(output => IsRows(output.Name));
    }

    /// <summary>
    /// Why images cannot go through together; null where the outputs of two of them are those of each, one after the other.
    /// </summary>
    /// <param name="shape">Shape of the image input.</param>
    public string? WhyOneByOne(InputShape shape)
    {
        // One dark, one bright and rich in contrast.
        float[] bright = [.. RandomPixels.Of(inputs, shape.Dims, 2).Select(value => (2 * value) + 1)];
        float[][] images = [RandomPixels.Of(inputs, shape.Dims, 1), bright];
        var alone = images.Select(pixels => Outputs(pixels, shape.Of(1))).ToArray();
        Dictionary<string, float[]> together;
        try
        {
            together = Outputs([.. images.SelectMany(pixels => pixels)], shape.Of(2));
        }
        catch (OnnxFormatException e) when (e.InnerException is OnnxRuntimeException)
        {
            return $"the network does not run on two, though its file leaves the batch free ({e.Message})";
        }
        var mixed = together.Keys.FirstOrDefault(name => !IsApart(together[name], alone[0][name], alone[1][name]));
        return mixed is null ? null : $"output '{mixed}' of two is not that of each, one after the other";
    }

    public void Dispose() => session.Dispose();

    private static bool IsApart(float[] together, float[] first, float[] second)
    {
        if (first.Length != second.Length || together.Length != 2 * first.Length)
        {
            return false;
        }
        double difference = first.Length == 0 ? 0 : TensorPrimitives.Distance<float>(first, second);
        bool Is(ReadOnlySpan<float> found, float[] expected)
        {
            double size = TensorPrimitives.Norm<float>(expected);
            return found.SequenceEqual(expected)
                || TensorPrimitives.Distance(found, expected) <= Math.Max(Crosstalk * difference, Rounding * size);
        }
        return first.Length == 0 || (Is(together.AsSpan(0, first.Length), first) && Is(together.AsSpan(first.Length), second));
    }

    /// <summary>The network's outputs of real numbers, by name.</summary>
    private Dictionary<string, float[]> Outputs(float[] pixels, long[] shape)
    {
        var wanted = graph.Output.Select(output => output.Name).ToHashSet();
        using var feed = inputs.Feed(pixels, shape);
        using var values = session.Run(feed);
        return session.Outputs.Zip(values).Where(output => wanted.Contains(output.First) && RealValues.Are(output.Second))
            .ToDictionary(output => output.First, output => RealValues.Singles(output.Second));
    }

    private static TensorInfo Info(OrtValue value)
    {
        var info = value.GetTensorTypeAndShape();
        return new TensorInfo((DataType)(int)info.ElementDataType, info.Shape, new bool[info.Shape.Length]);
    }
}
