using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Gradients;

/// <summary>
/// Gradients against central differences: of the sum of all outputs times random numbers, along random directions of all tensors asked for
/// together. Two steps, one half of the other, take the error of second order off.
/// </summary>
internal sealed class Differences
{
    // Of the size that the derivative has along a random direction, and of what single precision leaves of a difference.
    private const double Usual = 4e-3, Noise = 4e-7;

    private readonly Graph graph;
    private readonly string[] asked;
    private readonly Dictionary<string, (float[] Values, long[] Shape)> point = [];
    private readonly Random random;
    private readonly int images;

    private Differences(Graph graph, string[] asked, int seed, Func<Random, int, float[]>? values)
    {
        (this.graph, this.asked, random) = (graph, asked, new Random(seed));
        images = graph.HasFreeBatch ? 3 : 1;
        foreach (var name in asked)
        {
            if (graph.Initializers.TryGetValue(name, out var tensor))
            {
                point.Add(name, (TensorData.ReadSingles("test", tensor), [.. tensor.Dims]));
            }
        }
        long[] shape = graph.InputShape.Of(images);
        int count = (int)shape.Aggregate(1L, (a, b) => a * b);
        point[graph.Input] = ((values ?? Normal)(random, count), shape);
    }

    /// <summary>Checks the gradients of a model by some tensors, its image input <c>x</c> always among them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Names of the constants among the tensors.</param>
    /// <param name="step">The larger of the two steps; null of a linear model, which has an exact law.</param>
    /// <param name="seed">Of the directions.</param>
    /// <param name="values">Draws the input; null draws normal numbers.</param>
    /// <param name="relative">Tolerance, of the size that the derivative has along a random direction.</param>
    public static void Check(
        ModelProto model, string[] weights, double? step = 0.02, int seed = 1, Func<Random, int, float[]>? values = null,
        double relative = Usual)
    {
        var graph = Graph.FromModel(model, "test.onnx");
        var check = new Differences(graph, [.. weights, graph.Input], seed, values);
        check.Run(step, relative);
    }

    /// <summary>Checks the law ⟨J v, u⟩ = ⟨v, Jᵀ u⟩ of a linear model.</summary>
    public static void Linear(NetworkBuilder net, params string[] weights) => Check(net.Build(), weights, null);

    /// <summary>Numbers that lie an eighth away from every quarter, give or take a fifth of that: kinks are at quarters.</summary>
    public static float[] BesideKinks(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (0.25f * random.Next(-14, 14)) + 0.125f + ((random.NextSingle() - 0.5f) * 0.05f))];

    /// <summary>Numbers of which no two are nearer than a twentieth.</summary>
    public static float[] Apart(Random random, int count)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(i => (i - (count / 2) + 0.5f) * 0.05f)];
        random.Shuffle(values);
        return values;
    }

    /// <summary>Numbers between a half and two.</summary>
    public static float[] Positive(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => 0.5f + (1.5f * random.NextSingle()))];

    /// <summary>Numbers between −0.8 and 0.8.</summary>
    public static float[] Small(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => 1.6f * (random.NextSingle() - 0.5f))];

    public static float[] Normal(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
            * Math.Cos(2 * Math.PI * random.NextDouble())))];

    private void Run(double? step, double relative)
    {
        string[] outputs = [.. graph.Outputs.Where(o => graph.Tensors.TryGetValue(o, out var info) && info.Type == DataType.Float)];
        using var forward = new GraphSession(GraphPart.Extract(graph, asked.ToHashSet(), outputs), "test.onnx");
        var seeds = new Dictionary<string, float[]>();
        foreach (var output in outputs)
        {
            seeds[output] = Normal(random, Evaluate(forward, point)[output].Length);
        }
        var gradients = Gradients(outputs, seeds);
        for (int direction = 0; direction < 3; direction++)
        {
            var along = asked.ToDictionary(name => name, name => Small(random, point[name].Values.Length));
            double derivative = 0, square = 0;
            foreach (var name in asked)
            {
                Assert.Equal(point[name].Values.Length, gradients[name].Length);
                foreach (var (g, d) in gradients[name].Zip(along[name]))
                {
                    derivative += (double)g * d;
                    square += (double)g * d * g * d;
                }
            }
            var (difference, size) = step is { } h
                ? Difference(forward, seeds, along, h) : Law(forward, seeds, along);
            double tolerance = (relative * Math.Sqrt(square)) + (Noise * Math.Max(1, size) / (step ?? 1));
            Assert.True(Math.Abs(derivative - difference) <= tolerance,
                $"gradient {derivative:g7}, difference {difference:g7}, tolerance {tolerance:g3}, parts {Math.Sqrt(square):g3}");
        }
    }

    private Dictionary<string, float[]> Gradients(string[] outputs, Dictionary<string, float[]> seeds)
    {
        var made = GradientGraph.Of(graph, [.. outputs.Select(o => new Seed.Given(o, $"seed of {o}"))], asked);
        using var session = new GraphSession(made.Model, "test.onnx");
        var values = point.ToDictionary(p => p.Key, p => p.Value);
        var shapes = Shapes(outputs);
        foreach (var output in outputs)
        {
            values[$"seed of {output}"] = (seeds[output], shapes[output]);
        }
        var results = Evaluate(session, values);
        return asked.ToDictionary(name => name, name => results[made.Gradient(name)]);
    }

    private Dictionary<string, long[]> Shapes(string[] outputs) => outputs.ToDictionary(o => o, o => graph.Tensors[o].Shape
        .Zip(graph.Tensors[o].Batched, (dim, batched) => batched ? dim * images : dim).ToArray());

    /// <summary>(4 D(h/2) − D(h)) / 3, and the sum of absolute values that the differences are of.</summary>
    private (double Difference, double Size) Difference(
        GraphSession forward, Dictionary<string, float[]> seeds, Dictionary<string, float[]> along, double step)
    {
        var (wide, size) = Central(forward, seeds, along, step);
        var (narrow, _) = Central(forward, seeds, along, step / 2);
        return (((4 * narrow) - wide) / 3, 4 * size);
    }

    private (double Difference, double Size) Central(
        GraphSession forward, Dictionary<string, float[]> seeds, Dictionary<string, float[]> along, double step)
    {
        var (above, size) = Sum(forward, seeds, along, step);
        var (below, _) = Sum(forward, seeds, along, -step);
        return ((above - below) / (2 * step), size);
    }

    /// <summary>The adjoint law of linear models: ⟨J v, u⟩ = ⟨v, Jᵀ u⟩, J v = f(v) − f(0).</summary>
    private (double Difference, double Size) Law(
        GraphSession forward, Dictionary<string, float[]> seeds, Dictionary<string, float[]> along)
    {
        foreach (var name in asked)
        {
            point[name].Values.AsSpan().Clear();
        }
        var (there, size) = Sum(forward, seeds, along, 1);
        var (zero, _) = Sum(forward, seeds, along, 0);
        return (there - zero, size);
    }

    private (double Sum, double Size) Sum(
        GraphSession forward, Dictionary<string, float[]> seeds, Dictionary<string, float[]> along, double step)
    {
        var moved = point.ToDictionary(p => p.Key, p => (p.Value.Values.Zip(along[p.Key], (v, d) => (float)(v + (step * d))).ToArray(),
            p.Value.Shape));
        double sum = 0, size = 0;
        foreach (var (name, values) in Evaluate(forward, moved))
        {
            foreach (var (value, weight) in values.Zip(seeds[name]))
            {
                sum += (double)value * weight;
                size += Math.Abs((double)value * weight);
            }
        }
        return (sum, size);
    }

    private static Dictionary<string, float[]> Evaluate(GraphSession session, Dictionary<string, (float[] Values, long[] Shape)> values)
    {
        var feeds = session.Inputs.ToDictionary(
            name => name, name => OrtValue.CreateTensorValueFromMemory(values[name].Values, values[name].Shape));
        using var results = session.Run(feeds);
        var read = session.Outputs.Zip(results).ToDictionary(o => o.First, o => o.Second.GetTensorDataAsSpan<float>().ToArray());
        foreach (var feed in feeds.Values)
        {
            feed.Dispose();
        }
        return read;
    }
}
