using Clado.Onnx;
using Clado.Onnx.Upgrade;
using SkiaSharp;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Benchmarks;

/// <summary>
/// A network of ResNet-50's shape (He et al. 2015, as torchvision has it, batch normalisation folded: 25.5 million weights, 4.1 G MACs at 224) with
/// random weights, and images for it: what memory and time do not depend on is left out.
/// </summary>
internal sealed class RandomResNet50
{
    private static readonly (int Blocks, int Width)[] Stages = [(3, 64), (4, 128), (6, 256), (3, 512)];

    private readonly Random random = new(1);
    private readonly GraphProto graph = new() { Name = "resnet50" };

    private RandomResNet50()
    {
    }

    /// <summary>Writes <c>resnet50.onnx</c> and a folder <c>images</c>; what is there already stays.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="images">Number of images.</param>
    public static int Write(string folder, int images)
    {
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        OnnxFile.Write(new RandomResNet50().Build(), Path.Combine(folder, "resnet50.onnx"));
        var random = new Random(2);
        for (int i = 0; i < images; i++)
        {
            Picture(Path.Combine(folder, "images", $"{i:0000}.jpg"), random);
        }
        return 0;
    }

    private ModelProto Build()
    {
        string last = Relu(Convolution("x", 3, 64, 7, 2));
        graph.Node.Add(Node("MaxPool", [last], "pool", Attribute("kernel_shape", 3, 3), Attribute("strides", 2, 2), Attribute("pads", 1, 1, 1, 1)));
        last = "pool";
        int channels = 64;
        foreach (var (blocks, width) in Stages)
        {
            for (int block = 0; block < blocks; block++)
            {
                int stride = block == 0 && width > 64 ? 2 : 1;
                var inner = Relu(Convolution(Relu(Convolution(last, channels, width, 1, 1)), width, width, 3, stride));
                var outer = Convolution(inner, width, 4 * width, 1, 1);
                var shortcut = block == 0 ? Convolution(last, channels, 4 * width, 1, stride) : last;
                var sum = $"sum{graph.Node.Count}";
                graph.Node.Add(Node("Add", [outer, shortcut], sum));
                (last, channels) = (Relu(sum), 4 * width);
            }
        }
        graph.Node.Add(Node("GlobalAveragePool", [last], "average"));
        graph.Node.Add(Node("Flatten", ["average"], "features"));
        graph.Initializer.Add(TensorData.Singles("fc.weight", Values(1000 * channels, channels), 1000, channels));
        graph.Initializer.Add(TensorData.Singles("fc.bias", new float[1000], 1000));
        graph.Node.Add(Node("Gemm", ["features", "fc.weight", "fc.bias"], "logits", Attribute("transB", 1)));
        graph.Input.Add(Value("x", 3, 224, 224));
        graph.Output.Add(Value("logits", 1000));
        var model = new ModelProto { IrVersion = 13, Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = OpsetUpgrade.TargetOpset });
        return model;
    }

    private string Convolution(string input, int from, int to, int kernel, int stride)
    {
        var name = $"conv{graph.Node.Count}";
        int pad = kernel / 2;
        graph.Initializer.Add(TensorData.Singles($"{name}.weight", Values(to * from * kernel * kernel, from * kernel * kernel), to, from, kernel, kernel));
        graph.Initializer.Add(TensorData.Singles($"{name}.bias", new float[to], to));
        var node = Node("Conv", [input, $"{name}.weight", $"{name}.bias"], name, Attribute("strides", stride, stride), Attribute("pads", pad, pad, pad, pad));
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
    private float[] Values(int count, int inputs)
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
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float, Shape = shape } } };
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
