using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using MathNet.Numerics.LinearAlgebra;
using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Cli.Demo;

/// <summary>
/// A small convolutional network that needs no training run: random filters, a residual block, pooling, and a last layer fitted to the images by
/// ridge regression. It stands in for the trained sample networks, which are to come.
/// </summary>
internal static class RandomFeatureNetwork
{
    private const int Features = 96;
    private const float Ridge = 3e-2f;

    /// <summary>Builds and fits the network.</summary>
    /// <param name="folder">Labelled images to fit the last layer to.</param>
    /// <param name="preprocessing">How they become inputs.</param>
    /// <param name="seed">Seed of the filters.</param>
    public static ModelProto Fit(string folder, Preprocessing preprocessing, int seed)
    {
        var model = Build(new Random(seed));
        var images = ImageFolder.Open(folder);
        var graph = Graph.FromModel(model, "demo");
        var batches = new ImageBatches(images, graph, preprocessing, images.Items.Count);
        var batch = batches.Load(0);
        using var session = new GraphSession(model, "demo");
        using var input = OrtValue.CreateTensorValueFromMemory(batch.Pixels, batch.Shape);
        using var features = session.Run(input);
        var (weights, bias) = RidgeRegression(features[0].GetTensorDataAsSpan<float>().ToArray(), batch.Labels!);

        model.Graph.Initializer.Add(TensorData.Singles("head.weight", weights, PatternImages.ClassCount, Features));
        model.Graph.Initializer.Add(TensorData.Singles("head.bias", bias, PatternImages.ClassCount));
        model.Graph.Node.Add(Named("head", Node("Gemm", ["features", "head.weight", "head.bias"], "logits", Attribute("transB", 1))));
        model.Graph.Output.Clear();
        model.Graph.Output.Add(Value("logits", PatternImages.ClassCount));
        return model;
    }

    private static ModelProto Build(Random random)
    {
        var model = new ModelProto { IrVersion = OpsetUpgrade.TargetIrVersion, ProducerName = "clado-demo", Graph = new GraphProto { Name = "stripes" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = OpsetUpgrade.TargetOpset });
        var graph = model.Graph;
        graph.Input.Add(Value("image", 3, PatternImages.Side, PatternImages.Side));
        Convolution(graph, random, "conv1", "image", 3, 24, 5, 1);
        Convolution(graph, random, "conv2", "conv1.relu", 24, 48, 3, 2);
        Convolution(graph, random, "conv3", "conv2.relu", 48, 48, 3, 1);
        graph.Node.Add(Named("add", Node("Add", ["conv2.relu", "conv3.relu"], "sum")));
        Convolution(graph, random, "conv4", "sum", 48, Features, 3, 2);
        graph.Node.Add(Named("pool", Node("GlobalAveragePool", ["conv4.relu"], "pooled")));
        graph.Node.Add(Named("flatten", Node("Flatten", ["pooled"], "features")));
        graph.Output.Add(Value("features", Features));
        return model;
    }

    /// <summary>A convolution with He-initialised filters and a Relu.</summary>
    private static void Convolution(GraphProto graph, Random random, string name, string input, int from, int to, int size, int stride)
    {
        var weights = new float[to * from * size * size];
        for (int i = 0; i < weights.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            weights[i] = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()) * Math.Sqrt(2.0 / (from * size * size)));
        }
        graph.Initializer.Add(TensorData.Singles($"{name}.weight", weights, to, from, size, size));
        int pad = size / 2;
        graph.Node.Add(Named(name, Node("Conv", [input, $"{name}.weight"], $"{name}.out",
            Attribute("kernel_shape", size, size), Attribute("strides", stride, stride), Attribute("pads", pad, pad, pad, pad))));
        graph.Node.Add(Named($"{name}.relu", Node("Relu", [$"{name}.out"], $"{name}.relu")));
    }

    /// <summary>Least squares on ±1 targets with standardised features: weights [classes, features] and bias [classes].</summary>
    private static (float[] Weights, float[] Bias) RidgeRegression(float[] features, int[] labels)
    {
        int n = labels.Length;
        var x = Matrix<double>.Build.Dense(n, Features, (i, j) => features[(i * Features) + j]);
        var mean = x.ColumnSums() / n;
        var centred = Matrix<double>.Build.Dense(n, Features, (i, j) => x[i, j] - mean[j]);
        var y = Matrix<double>.Build.Dense(n, PatternImages.ClassCount, (i, k) => labels[i] == k ? 10 : 0);
        var gram = centred.TransposeThisAndMultiply(centred);
        var damped = gram + (Matrix<double>.Build.DenseIdentity(Features) * (Ridge * gram.Trace() / Features));
        var solution = damped.Cholesky().Solve(centred.TransposeThisAndMultiply(y));
        var bias = (y.ColumnSums() / n) - solution.LeftMultiply(mean);
        return ([.. solution.Transpose().ToRowMajorArray().Select(v => (float)v)], [.. bias.Select(v => (float)v)]);
    }

    private static NodeProto Named(string name, NodeProto node)
    {
        node.Name = name;
        return node;
    }

    /// <summary>A float tensor with a free batch.</summary>
    private static ValueInfoProto Value(string name, params int[] dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "N" });
        shape.Dim.Add(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape } } };
    }
}
