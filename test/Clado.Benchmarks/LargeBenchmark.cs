using System.Diagnostics;
using System.Runtime.InteropServices;
using Clado.Activations;
using Clado.Onnx;
using SkiaSharp;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Benchmarks;

/// <summary>The whole job on a network of random weights that no message holds: 2.2 GiB in two products.</summary>
internal static class LargeBenchmark
{
    private const int Side = 32;
    private const int Channels = 16;
    private const int Features = Channels * Side * Side;
    private const int Hidden = 18_000;
    private const int Classes = 10;

    /// <summary>
    /// Makes network and images where they are not there, and quantizes: once all of it, once all but the large products, so that what is
    /// written is large, too.
    /// </summary>
    /// <param name="folder">Where to; some 10 GB are needed.</param>
    public static int Run(string folder)
    {
        var model = Path.Combine(folder, "large.onnx");
        var images = Path.Combine(folder, "images");
        if (!File.Exists(model))
        {
            OnnxFile.Write(Network(), model);
            GC.Collect();
        }
        Pictures(images);
        var sizes = Directory.GetFiles(folder, "large.onnx*").Select(f => $"{Path.GetFileName(f)}: {new FileInfo(f).Length:N0} bytes");
        Console.WriteLine($"| {string.Join(" | ", sizes)} |\n");
        Console.WriteLine("| run | stage | seconds | peak memory so far, MiB | |\n|---|---|---|---|---|");
        foreach (var (name, pins, budget) in ((string, string[], string)[])[("all at 4 bits", ["stem=float"], "none"),
            ("large products float", ["large*=float"], "none")])
        {
            var watch = Stopwatch.StartNew();
            void Say(string stage, string result)
            {
                using var process = Process.GetCurrentProcess();
                Console.WriteLine(
                    FormattableString.Invariant(
                        $"| {name} | {stage} | {watch.Elapsed.TotalSeconds:0} | {process.PeakWorkingSet64 >> 20:N0} | {result} |"));
                watch.Restart();
            }

            var run = Pipeline.Measure(new PipelineOptions
            {
                Model = model,
                Images = images,
                Bits = [4],
                Pins = pins,
                Rounding = "nearest",
                Activations = new() { Format = ActivationFormat.Float },
                // The plan wants room for every session at once; what it takes is said below.
                Estimator = "diagonal",
                Resources = new() { Threads = 1, MemoryBytes = 48L << 30 },
                Run = Path.Combine(folder, "run-" + name.Replace(' ', '-')),
            });
            var increases = Enumerable.Range(0, run.Candidates.Count)
                .Select(row => FormattableString.Invariant($"{run.Sensitivity.LossIncrease(row):G3}"));
            Say("measure", $"{run.Layers.Count} layers, loss increases {string.Join(", ", increases)}");
            var allocation = run.Allocate(budget);
            Say("allocate", $"{allocation.SizeBytes:N0} bytes predicted");
            var output = Path.Combine(folder, $"out-{name.Replace(' ', '-')}.onnx");
            var file = run.Deploy(allocation, output, evaluate: true).Commit();
            var bytes = Directory.GetFiles(folder, Path.GetFileName(output) + "*").Order().Select(f => $"{new FileInfo(f).Length:N0}");
            Say("export", $"{string.Join(" + ", bytes)} bytes written; "
                + $"largest difference from the simulation {file.Parity.LargestDifference:G3}");
            var evaluation = file.Evaluation!;
            Say(
                "evaluate",
                FormattableString.Invariant($"agreement {evaluation.Agreement:P1}, loss increase {evaluation.LossIncrease:G3}"));
        }
        return 0;
    }

    private static ModelProto Network()
    {
        var random = new Random(1);
        var model = new ModelProto { IrVersion = 10, Graph = new GraphProto { Name = "large" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 21 });
        void Weight(string name, params long[] shape)
        {
            long count = shape.Aggregate(1L, (a, b) => a * b), inputs = name == "w" ? 27 : shape[0];
            var bytes = new byte[count * sizeof(float)];
            float spread = MathF.Sqrt(6f / inputs);
            foreach (ref float value in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
            {
                value = spread * ((2 * random.NextSingle()) - 1);
            }
            var tensor = new TensorProto
            {
                Name = name,
                DataType = (int)DataType.Float,
                RawData = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(bytes),
            };
            tensor.Dims.Add(shape);
            model.Graph.Initializer.Add(tensor);
        }

        void Layer(string name, string op, string[] inputs, string output, params AttributeProto[] attributes)
        {
            var node = Node(op, inputs, output, attributes);
            node.Name = name;
            model.Graph.Node.Add(node);
        }

        Weight("w", Channels, 3, 3, 3);
        Weight("w1", Features, Hidden);
        Weight("w2", Hidden, Features);
        Weight("w3", Features, Classes);
        Layer("stem", "Conv", ["x", "w"], "c", Attribute("pads", 1, 1, 1, 1));
        Layer("r", "Relu", ["c"], "rc");
        Layer("f", "Flatten", ["rc"], "fc");
        Layer("large1", "Gemm", ["fc", "w1"], "g1");
        Layer("r1", "Relu", ["g1"], "rg1");
        Layer("large2", "MatMul", ["rg1", "w2"], "g2");
        Layer("r2", "Relu", ["g2"], "rg2");
        Layer("head", "Gemm", ["rg2", "w3"], "logits");
        model.Graph.Input.Add(Value("x", 1, 3, Side, Side));
        model.Graph.Output.Add(Value("logits", 1, Classes));
        return model;
    }

    private static ValueInfoProto Value(string name, params long[] dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float, Shape = shape } },
        };
    }

    private static void Pictures(string folder)
    {
        Directory.CreateDirectory(folder);
        var random = new Random(2);
        for (int i = 0; i < 4; i++)
        {
            using var bitmap = new SKBitmap(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque);
            bitmap.Pixels = [.. Enumerable.Range(0, Side * Side)
                .Select(_ => new SKColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)))];
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(Path.Combine(folder, $"{i}.png"), data.ToArray());
        }
    }
}
