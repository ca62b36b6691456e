using Clado.Onnx;
using Clado.Onnx.Upgrade;
using SkiaSharp;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Benchmarks;

/// <summary>
/// Networks of the shape of ResNet-50 and ResNet-18 (He et al. 2015, as torchvision has them, batch normalisation folded: 25.5 and 11.7
/// million weights, 4.1 and 1.8 G MACs at 224) with random weights, and images for them: what memory and time do not depend on is left out.
/// </summary>
internal sealed class RandomResNet
{
    private readonly Random random = new(1);
    private readonly GraphProto graph = new() { Name = "resnet" };

    private RandomResNet()
    {
    }

    /// <summary>Writes <c>resnet50.onnx</c> and a folder <c>images</c>; what is there already stays.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="images">Number of images.</param>
    public static int Write(string folder, int images)
    {
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        OnnxFile.Write(new RandomResNet().Build([3, 4, 6, 3], isBottleneck: true), Path.Combine(folder, "resnet50.onnx"));
        var random = new Random(2);
        for (int i = 0; i < images; i++)
        {
            Picture(Path.Combine(folder, "images", $"{i:0000}.jpg"), random);
        }
        return 0;
    }

    /// <summary>Writes a network of ResNet-18's shape.</summary>
    /// <param name="path">Where to.</param>
    public static void WriteResNet18(string path) => OnnxFile.Write(new RandomResNet().Build([2, 2, 2, 2], isBottleneck: false), path);

    /// <summary>
    /// Writes a network of the shape of those for CIFAR-10 (He et al. 2015): 6 · blocks + 2 layers of 16, 32 and 64 channels.
    /// </summary>
    /// <param name="path">Where to.</param>
    /// <param name="blocks">Residual blocks a stage. Range: [1, inf).</param>
    /// <param name="classes">Classes. Range: [2, inf).</param>
    public static void WriteCifar(string path, int blocks, int classes) =>
        OnnxFile.Write(new RandomResNet().BuildCifar(blocks, classes), path);

    private ModelProto BuildCifar(int blocks, int classes)
    {
        string last = Relu(Convolution("x", 3, 16, 3, 1));
        int channels = 16;
        for (int block = 0; block < 3 * blocks; block++)
        {
            int outputs = 16 << (block / blocks), stride = outputs == channels ? 1 : 2;
            // Many branches add up: each less the more there are.
            var branch = Convolution(Relu(Convolution(last, channels, outputs, 3, stride)), outputs, outputs, 3, 1, MathF.Sqrt(blocks));
            var shortcut = stride == 1 ? last : Convolution(last, channels, outputs, 1, stride);
            var sum = $"sum{graph.Node.Count}";
            graph.Node.Add(Node("Add", [branch, shortcut], sum));
            (last, channels) = (Relu(sum), outputs);
        }
        return Classifier(last, channels, classes, side: 32);
    }

    private ModelProto Build(int[] blocksOfStages, bool isBottleneck)
    {
        string last = Relu(Convolution("x", 3, 64, 7, 2));
        graph.Node.Add(
            Node("MaxPool", [last], "pool", Attribute("kernel_shape", 3, 3), Attribute("strides", 2, 2), Attribute("pads", 1, 1, 1, 1)));
        last = "pool";
        int channels = 64;
        foreach (var (blocks, stage) in blocksOfStages.Select((blocks, stage) => (blocks, stage)))
        {
            int width = 64 << stage, outputs = isBottleneck ? 4 * width : width;
            for (int block = 0; block < blocks; block++)
            {
                int stride = block == 0 && stage > 0 ? 2 : 1;
                var branch = isBottleneck
                    ? Convolution(
                        Relu(Convolution(Relu(Convolution(last, channels, width, 1, 1)), width, width, 3, stride)), width, outputs, 1, 1)
                    : Convolution(Relu(Convolution(last, channels, width, 3, stride)), width, width, 3, 1);
                var shortcut = channels != outputs || stride > 1 ? Convolution(last, channels, outputs, 1, stride) : last;
                var sum = $"sum{graph.Node.Count}";
                graph.Node.Add(Node("Add", [branch, shortcut], sum));
                (last, channels) = (Relu(sum), outputs);
            }
        }
        return Classifier(last, channels, classes: 1000, side: 224);
    }

    private ModelProto Classifier(string last, int channels, int classes, int side)
    {
        graph.Node.Add(Node("GlobalAveragePool", [last], "average"));
        graph.Node.Add(Node("Flatten", ["average"], "features"));
        graph.Initializer.Add(TensorData.Singles("fc.weight", Values(classes * channels, channels), classes, channels));
        graph.Initializer.Add(TensorData.Singles("fc.bias", new float[classes], classes));
        graph.Node.Add(Node("Gemm", ["features", "fc.weight", "fc.bias"], "logits", Attribute("transB", 1)));
        graph.Input.Add(Value("x", 3, side, side));
        graph.Output.Add(Value("logits", classes));
        var model = new ModelProto { IrVersion = 13, Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = OpsetUpgrade.TargetOpset });
        return model;
    }

    private string Convolution(string input, int from, int to, int kernel, int stride, float divisor = 1)
    {
        var name = $"conv{graph.Node.Count}";
        int pad = kernel / 2;
        int inputs = from * kernel * kernel;
        graph.Initializer.Add(
            TensorData.Singles($"{name}.weight", Values(to * inputs, divisor * divisor * inputs), to, from, kernel, kernel));
        graph.Initializer.Add(TensorData.Singles($"{name}.bias", new float[to], to));
        var node = Node(
            "Conv", [input, $"{name}.weight", $"{name}.bias"], name, Attribute("strides", stride, stride), Attribute(
                "pads", pad, pad, pad, pad));
        node.Name = name;
        graph.Node.Add(node);
        return name;
    }

    private string Relu(string input)
    {
        graph.Node.Add(Node("Relu", [input], input + ".relu"));
        return input + ".relu";
    }

    /// <summary>Uniform values whose variance is 1 / inputs: sums of branches stay within the range of floats.</summary>
    private float[] Values(int count, float inputs)
    {
        var values = new float[count];
        float range = MathF.Sqrt(3f / inputs);
        for (int i = 0; i < count; i++)
        {
            values[i] = range * ((2 * random.NextSingle()) - 1);
        }
        return values;
    }

    private static ValueInfoProto Value(string name, params long[] dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "N" });
        shape.Dim.Add(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float, Shape = shape } },
        };
    }

    private static void Picture(string path, Random random)
    {
        using var bitmap = new SKBitmap(224, 224);
        using var canvas = new SKCanvas(bitmap);
        using var paint = new SKPaint();
        for (int i = 0; i < 30; i++)
        {
            paint.Color = new SKColor((uint)random.NextInt64(0xff000000, 0x100000000));
            canvas.DrawCircle(random.Next(224), random.Next(224), random.Next(5, 120), paint);
        }
        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        File.WriteAllBytes(path, data.ToArray());
    }
}
