using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Folds what follows a convolution and is affine for every channel by itself, y = f·x + s, into the convolution's weight and bias:
/// BatchNormalization as it infers (arXiv 1712.05877, eq. 14), and Mul and Add with a constant. The network computes the same with fewer
/// nodes, none of them a float one between integer kernels.
/// </summary>
internal sealed class AffineFolding
{
    private const float DefaultEpsilon = 1e-5f;

    private readonly GraphProto graph;
    private readonly string file;
    private readonly Dictionary<string, TensorProto> constants;
    private readonly Dictionary<string, int> reads;

    private AffineFolding(GraphProto graph, string file)
    {
        (this.graph, this.file) = (graph, file);
        constants = graph.Initializer.ToDictionary(t => t.Name);
        reads = graph.Node.SelectMany(GraphWalk.Reads).Concat(graph.Output.Select(o => o.Name)).CountBy(name => name).ToDictionary();
    }

    /// <summary>Folds in place.</summary>
    /// <param name="graph">Nodes in topological order, constants resolved.</param>
    /// <param name="file">Path that errors name.</param>
    public static void Apply(GraphProto graph, string file) => new AffineFolding(graph, file).Apply();

    private void Apply()
    {
        var convolutions = new Dictionary<string, NodeProto>();
        foreach (var node in graph.Node.ToArray())
        {
            if (IsConvolution(node))
            {
                convolutions.Add(node.Output[0], node);
            }
            else if (node.Operands().FirstOrDefault(convolutions.ContainsKey) is { } tensor && reads[tensor] == 1
                && Fold(node, convolutions[tensor]))
            {
                graph.Node.Remove(node);
                convolutions.Add(node.Output[0], convolutions[tensor]);
            }
        }
    }

    /// <summary>
    /// A convolution whose weight is a constant of its own. A transposed one with groups is left alone: its groups share their scales when
    /// they are quantized, so factors would cost accuracy, and there is no integer kernel to be won.
    /// </summary>
    private bool IsConvolution(NodeProto node) =>
        (node.Is("Conv") || (node.Is("ConvTranspose") && node.Integer("group", 1) == 1))
        && node.Output.Count == 1 && IsFloat(node.Operand(1)) && reads[node.Operand(1)] == 1 && constants[node.Operand(1)].Dims.Count > 2
        && (Bias(node) is not { } bias || IsVector(bias, Channels(node)));

    /// <summary>What a node does to the channels of the convolution it reads; null where that is something else.</summary>
    private Affine? Read(NodeProto node, NodeProto convolution)
    {
        if (IsNormalization(node, convolution))
        {
            return Normalization(node);
        }
        int rank = constants[convolution.Operand(1)].Dims.Count;
        if ((node.Is("Mul") || node.Is("Add")) && node.Operands().FirstOrDefault(IsFloat) is { } name && IsByChannel(constants[name], rank))
        {
            double[] values = Array.ConvertAll(TensorData.ReadSingles(file, constants[name]), v => (double)v);
            return node.Is("Mul") ? new Affine(values, [0]) : new Affine([1], values);
        }
        return null;
    }

    private bool IsNormalization(NodeProto node, NodeProto convolution)
    {
        bool hasParameters = node.Operands().Count == 5 && node.Operands().Skip(1).All(i => IsVector(i, Channels(convolution)));
        bool infers = node.Integer("training_mode", 0) == 0 && node.Output.Skip(1).All(o => o.Length == 0);
        return node.Is("BatchNormalization") && node.Operand(0) == convolution.Output[0] && hasParameters && infers;
    }

    /// <summary>y = (x − mean) / √(variance + ε) · scale + bias.</summary>
    private Affine Normalization(NodeProto node)
    {
        var (scale, bias, mean, variance) = (Values(node, 1), Values(node, 2), Values(node, 3), Values(node, 4));
        float epsilon = node.Find("epsilon")?.F ?? DefaultEpsilon;
        double[] factors = [.. scale.Zip(variance, (s, v) => s / Math.Sqrt((double)v + epsilon))];
        return new Affine(factors, [.. bias.Zip(mean).Zip(factors, (p, f) => p.First - (p.Second * f))]);
    }

    /// <summary>Whether a constant broadcasts over all of so many dimensions but the second, the channels.</summary>
    private static bool IsByChannel(TensorProto tensor, int rank) =>
        tensor.Dims.Count <= rank && !tensor.Dims.Where((dim, axis) => dim != 1 && axis + rank - tensor.Dims.Count != 1).Any();

    /// <summary>
    /// Changes weight and bias, and names the output. Leaves all as it is where the node is not affine by channel, or a value would not be
    /// finite.
    /// </summary>
    private bool Fold(NodeProto node, NodeProto convolution)
    {
        if (Read(node, convolution) is not { } affine)
        {
            return false;
        }
        var weight = constants[convolution.Operand(1)];
        int channels = (int)Channels(convolution);
        if (!affine.Fits(channels))
        {
            return false;
        }
        int stride = (int)weight.Dims.Skip(convolution.Is("Conv") ? 1 : 2).Aggregate(1L, (product, dim) => product * dim);
        float[] weights = [.. TensorData.ReadSingles(file, weight).Select((w, e) => (float)(w * affine.Factor(e / stride % channels)))];
        float[] own = Bias(convolution) is { } name ? TensorData.ReadSingles(file, constants[name]) : new float[channels];
        float[] biases = [.. own.Select((b, c) => (float)((b * affine.Factor(c)) + affine.Shift(c)))];
        if (!weights.All(float.IsFinite) || !biases.All(float.IsFinite))
        {
            return false;
        }
        TensorData.Overwrite(weight, weights);
        SetBias(convolution, biases, node.Output[0]);
        convolution.Output[0] = node.Output[0];
        return true;
    }

    private void SetBias(NodeProto convolution, float[] biases, string output)
    {
        if (Bias(convolution) is { } own && reads[own] == 1)
        {
            TensorData.Overwrite(constants[own], biases);
            return;
        }
        // The bias is another's too, or there was none.
        var taken = GraphWalk.Names(graph);
        var name = output + "_bias";
        while (taken.Contains(name))
        {
            name += "_";
        }
        var tensor = TensorData.Singles(name, biases, biases.Length);
        graph.Initializer.Add(tensor);
        constants.Add(name, tensor);
        reads.Add(name, 1);
        convolution.SetOperand(2, name);
    }

    private bool IsFloat(string name) => constants.TryGetValue(name, out var tensor) && (DataType)tensor.DataType == DataType.Float;

    private bool IsVector(string name, long length) => IsFloat(name) && constants[name].Dims is [var size] && size == length;

    private float[] Values(NodeProto node, int slot) => TensorData.ReadSingles(file, constants[node.Operand(slot)]);

    private long Channels(NodeProto convolution) => constants[convolution.Operand(1)].Dims[convolution.Is("Conv") ? 0 : 1];

    private static string? Bias(NodeProto node) => node.Operand(2) is { Length: > 0 } bias ? bias : null;

    /// <summary>y = factor · x + shift.</summary>
    /// <param name="Factors">Shape: [channels], or [1] for all.</param>
    /// <param name="Shifts">Shape: [channels], or [1] for all.</param>
    private sealed record Affine(double[] Factors, double[] Shifts)
    {
        public bool Fits(int channels) => Fits(Factors, channels) && Fits(Shifts, channels);

        public double Factor(int channel) => Factors[Factors.Length == 1 ? 0 : channel];

        public double Shift(int channel) => Shifts[Shifts.Length == 1 ? 0 : channel];

        private static bool Fits(double[] values, int channels) => values.Length == channels || values.Length == 1;
    }
}
