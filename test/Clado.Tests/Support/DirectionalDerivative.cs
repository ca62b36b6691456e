using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Support;

/// <summary>
/// The derivative of a network along one random direction of all its weights at once: by its gradient graph, and by central differences.
/// What is derived is the sum of its float outputs times random numbers.
/// </summary>
/// <param name="Weights">Tensors that move together.</param>
/// <param name="Elements">Their elements.</param>
/// <param name="Gradient">⟨gradient, direction⟩.</param>
/// <param name="Difference">The mean of the central differences with neighbouring steps that agree best.</param>
/// <param name="Scale">What a derivative along a random direction comes to: the root of Σ (gradient · direction)².</param>
internal sealed record DirectionalDerivative(int Weights, long Elements, double Gradient, double Difference, double Scale)
{
    /// <summary>How far the two lie apart, of <see cref="Scale"/>.</summary>
    public double Error => Math.Abs(Gradient - Difference) / Scale;

    // Of the size of each weight tensor's elements. Long steps pass kinks, and in short ones single precision shows: neighbours that agree
    // best do neither.
    private const double LongestStep = 1e-3;

    // Each half of the one before, and how many neighbours have to agree.
    private const int Steps = 9, Neighbours = 3;

    // Operators whose constants are weights: numbers that may move a little.
    private static readonly HashSet<string> Readers =
    [
        "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "PRelu", "BatchNormalization", "InstanceNormalization",
        "LayerNormalization", "Einsum", "Gather",
    ];

    /// <summary>Measures both.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="images">Images, where its batch is free.</param>
    /// <param name="seed">Of direction and images.</param>
    public static DirectionalDerivative Of(Graph graph, int images, int seed = 1)
    {
        var random = new Random(seed);
        string[] weights = [.. graph.Model.Graph.Initializer.Where(t => IsWeight(graph, t)).Select(t => t.Name)];
        string[] outputs = [.. graph.Outputs.Where(o => graph.Tensors.TryGetValue(o, out var info) && info.Type == DataType.Float)];
        var values = weights.ToDictionary(name => name, name => TensorData.ReadSingles(graph.File, graph.Initializers[name]));
        var along = values.ToDictionary(pair => pair.Key, pair => Direction(random, pair.Value));
        long[] shape = graph.InputShape.Of(images);
        using var inputs = graph.Inputs.Feed(RandomPixels.Of(graph.Inputs, shape, seed), shape);
        var moving = weights.Concat(graph.Model.Graph.Input.Select(input => input.Name)).ToHashSet();
        using var forward = new GraphSession(GraphPart.Extract(graph, moving, outputs), graph.File);
        Dictionary<string, (float[] Values, long[] Shape)> At(double distance)
        {
            using var moved = new InputFeed();
            foreach (var name in weights)
            {
                float[] place = [.. values[name].Zip(along[name], (w, d) => (float)(w + (distance * d)))];
                moved.Add(name, OrtValue.CreateTensorValueFromMemory(place, [.. graph.Initializers[name].Dims]));
            }
            return Run(forward, name => inputs.TryGetValue(name, out var input) ? input : moved[name]);
        }

        var here = At(0);
        var seeds = here.ToDictionary(pair => pair.Key, pair => pair.Value.Values.Select(_ => (2 * random.NextSingle()) - 1).ToArray());
        var made = GradientGraph.Of(graph, [.. outputs.Select(o => new Seed.Given(o, $"seed of {o}"))], weights);
        using var backward = new GraphSession(made.Model, graph.File);
        using var given = new InputFeed();
        foreach (var output in outputs)
        {
            given.Add($"seed of {output}", OrtValue.CreateTensorValueFromMemory(seeds[output], here[output].Shape));
        }
        var gradients = Run(backward, name => inputs.TryGetValue(name, out var input) ? input : given[name]);
        double derivative = 0, square = 0;
        foreach (var name in weights)
        {
            foreach (var (g, d) in gradients[made.Gradient(name)].Values.Zip(along[name]))
            {
                derivative += (double)g * d;
                square += (double)g * d * g * d;
            }
        }
        double Sum(double distance) => At(distance).Sum(pair => pair.Value.Values.Zip(seeds[pair.Key], (y, u) => (double)y * u).Sum());
        double Central(double h) => (Sum(h) - Sum(-h)) / (2 * h);
        double[] differences = [.. Enumerable.Range(0, Steps).Select(halvings => Central(LongestStep / (1 << halvings)))];
        var agreeing = Enumerable.Range(0, Steps - Neighbours + 1).Select(first => differences.Skip(first).Take(Neighbours).ToArray())
            .MinBy(neighbours => neighbours.Max() - neighbours.Min())!;
        return new(weights.Length, values.Values.Sum(v => (long)v.Length), derivative, agreeing.Average(), Math.Sqrt(square));
    }

    private static bool IsWeight(Graph graph, TensorProto tensor)
    {
        var readers = graph.Consumers(tensor.Name).Select(reader => graph.Nodes[reader]).ToArray();
        return (DataType)tensor.DataType == DataType.Float && tensor.Dims.Count > 0 && readers.Length > 0
            && readers.All(node => node.IsStandard() && Readers.Contains(node.OpType)
                && !(node.Is("BatchNormalization") && node.Operand(4) == tensor.Name));
    }

    /// <summary>Normal numbers, as large as the weights.</summary>
    private static float[] Direction(Random random, float[] weights)
    {
        double size = Math.Max(1e-3, Math.Sqrt(weights.Average(w => (double)w * w)));
        return [.. weights.Select(_ => (float)(size * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
            * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    private static Dictionary<string, (float[] Values, long[] Shape)> Run(GraphSession session, Func<string, OrtValue> value)
    {
        using var results = session.Run(value);
        return session.Outputs.Zip(results).ToDictionary(
            o => o.First, o => (o.Second.GetTensorDataAsSpan<float>().ToArray(), o.Second.GetTensorTypeAndShape().Shape));
    }
}
