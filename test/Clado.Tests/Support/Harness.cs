using Clado.Calibration;
using Clado.Candidates;
using Clado.Cli;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Rounding;
using Clado.Sensitivity;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using SkiaSharp;

namespace Clado.Tests.Support;

/// <summary>Runs models and commands the way tests want them.</summary>
internal static class Harness
{
    /// <summary>Outputs of a model on a seeded random input, one after the other.</summary>
    public static float[] Outputs(ModelProto model, int batch = 2, int seed = 7, bool integers = false)
    {
        using var session = new GraphSession(model, "test.onnx", integers: integers);
        var initializers = model.Graph.Initializer.Select(t => t.Name).ToHashSet();
        var dims = model.Graph.Input.First(i => !initializers.Contains(i.Name)).Type.TensorType.Shape.Dim;
        long[] shape = [.. dims.Select((d, axis) => d.HasDimValue ? d.DimValue : axis == 0 ? batch : 32)];
        var random = new Random(seed);
        var pixels = new float[shape.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (float)((random.NextDouble() * 2) - 1);
        }
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, shape);
        using var outputs = session.Run(_ => input);
        return [.. outputs.SelectMany(o => o.GetTensorDataAsSpan<float>().ToArray())];
    }

    /// <summary>The float model with some layers' weights replaced by their dequantized candidates: the slow, obvious simulation.</summary>
    public static ModelProto WithWeights(Graph graph, IEnumerable<Candidate> chosen)
    {
        var model = graph.Model.Clone();
        foreach (var candidate in chosen)
        {
            var tensor = model.Graph.Initializer.First(t => t.Name == candidate.Layer.Weight);
            tensor.RawData = ByteString.CopyFrom([.. candidate.Dequantize().SelectMany(BitConverter.GetBytes)]);
            tensor.FloatData.Clear();
            if (candidate.Bias is { } bias)
            {
                TensorData.Overwrite(model.Graph.Initializer.First(t => t.Name == candidate.Layer.Bias), bias);
            }
        }
        return model;
    }

    /// <summary>The same network as a graph that is written for older runtimes.</summary>
    public static Graph Earlier(Graph graph)
    {
        var model = graph.Model.Clone();
        model.OpsetImport.First(o => o.Domain.Length == 0).Version = OpsetUpgrade.EarlierOpset;
        return Graph.FromModel(OpsetUpgrade.Apply(model, "test.onnx", OpsetUpgrade.EarlierOpset), "test.onnx");
    }

    /// <summary>Candidates of all layers at the same widths.</summary>
    public static CandidateSet Candidates(Graph graph, params int[] bits)
    {
        var layers = LayerFinder.Find(graph).Layers;
        return CandidateMaker.Make(
            graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)bits)], new NearestRounding(), null, Environment.ProcessorCount);
    }

    /// <summary>Candidates of all layers at the same widths, rounded with error feedback on images, biases corrected.</summary>
    public static CandidateSet FeedbackCandidates(Graph graph, ImageSet images, params int[] bits)
    {
        var layers = LayerFinder.Find(graph).Layers;
        var inputs = InputMeasurement.Measure(graph, layers,
            new Workload(images, Preprocessing.Parse("unit")) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 } });
        return CandidateMaker.Make(graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)bits)], new FeedbackRounding(), inputs, 2);
    }

    /// <summary>Units of a network's outputs on images.</summary>
    public static IReadOnlyList<OutputScale> Scales(Graph graph, ImageSet images, string preprocessing = "unit") =>
        ScaleMeasurement.Measure(graph, new Workload(images, Preprocessing.Parse(preprocessing)) { Resources = new() { Threads = 2 } });

    /// <summary>A surrogate without cross terms: each candidate's diagonal entry as given.</summary>
    public static Surrogate Diagonal(CandidateSet candidates, Func<Candidate, double> entry)
    {
        int n = candidates.Items.Count;
        var matrix = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            matrix[a * (n + 1)] = entry(candidates.Items[a]);
        }
        return new Surrogate { Name = "diagonal", Matrix = matrix };
    }

    /// <summary>Runs a command line; gives exit code, standard output and standard error.</summary>
    public static (int Code, string Output, string Error) Command(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = App.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Writes eight class folders of noisy PNG files, 24×24 pixels; each class has a hue of its own.</summary>
    public static string Images(TemporaryFolder folder, string name, int perClass, int seed = 3)
    {
        const int Side = 24;
        var random = new Random(seed);
        for (int i = 0; i < 8 * perClass; i++)
        {
            int label = i / perClass;
            using var bitmap = new SKBitmap(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque);
            bitmap.Pixels = [.. Enumerable.Range(0, Side * Side).Select(_ => SKColor.FromHsv(45 * label, 60, random.Next(101)))];
            Png(folder[$"{name}/{label}/{i:000}.png"], bitmap);
        }
        return folder[name];
    }

    /// <summary>Writes a PNG of one colour.</summary>
    public static void Png(string path, int width, int height, SKColor color, SKColorType type = SKColorType.Rgba8888)
    {
        using var bitmap = new SKBitmap(width, height, type, SKAlphaType.Opaque);
        bitmap.Erase(color);
        Png(path, bitmap);
    }

    private static void Png(string path, SKBitmap bitmap)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, data.ToArray());
    }

    /// <summary>Operators of a model as ONNX Runtime has optimised it. Shape: [nodes].</summary>
    public static string[] Optimized(TemporaryFolder folder, ModelProto model)
    {
        using var options = new SessionOptions
        {
            OptimizedModelFilePath = folder["optimized.onnx"],
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        using var session = new InferenceSession(model.ToByteArray(), options);
        return [.. OnnxFile.Parse("optimized.onnx", File.ReadAllBytes(folder["optimized.onnx"])).Graph.Node.Select(n => n.OpType)];
    }
}
