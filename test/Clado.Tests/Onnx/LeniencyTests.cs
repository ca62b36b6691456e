using System.Runtime.InteropServices;
using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Xunit;

namespace Clado.Tests.Onnx;

/// <summary>
/// Every operator in the forms of its history, at every opset: what ONNX Runtime runs, Clado reads, and the outputs are the same; or it is
/// refused with a reason that stands here.
/// </summary>
public class LeniencyTests(ITestOutputHelper output)
{
    private const double Relative = 1e-4, Absolute = 1e-6;

    // Form, and what the refusal says.
    private static readonly (string Form, string Reason)[] Refused =
    [
        ("Dropout x >mask!", "Dropout with a mask ('mask') that is read"),
        (
            "Resize x f: f:1,1,2,1.5 mode=nearest coordinate_transformation_mode=tf_half_pixel_for_nn nearest_mode=ceil",
            "without a later form"),
        ("Resize x f: f:1,1,2,1.5 mode=linear coordinate_transformation_mode=tf_half_pixel_for_nn", "without a later form"),
        // Here the runtime normalizes by the images of the batch at hand, which made a network of every batch size another one.
        (TrainingNormalization, Differ),
    ];

    private const string TrainingNormalization = "BatchNormalization x w:3 w:3 w:3 p:3 >m >v >sm >sv";
    private const string Differ = "outputs differ";

    [Fact]
    public void WhatTheRuntimeRunsIsRead()
    {
        var outcomes = new (string Form, int Opset, bool Hidden, string Outcome)[OperatorForms.All.Length * 24 * 2];
        Parallel.For(0, outcomes.Length, i =>
        {
            var (form, opset, hidden) = (OperatorForms.All[i / 48], (i % 24) + 1, i / 24 % 2 == 1);
            outcomes[i] = (form, opset, hidden, Outcome(OperatorForms.Build(form, opset, hidden)));
        });
        var run = outcomes.Where(o => o.Outcome != NotRun).ToArray();
        // A form that the runtime takes at no opset would show nothing.
        Assert.Empty(OperatorForms.All.Except(run.Select(o => o.Form)));
        output.WriteLine($"{run.Length} of {outcomes.Length} run, {run.Count(o => o.Outcome.Length == 0)} read");
        var failures = run.Where(o => o.Outcome.Length > 0).GroupBy(o => (o.Form, o.Outcome)).ToArray();
        foreach (var f in failures)
        {
            output.WriteLine($"{f.Key.Form}: opsets {string.Join(',', f.Select(o => o.Opset + (o.Hidden ? "h" : "")))}: {f.Key.Outcome}");
        }
        Assert.All(failures, f => Assert.Contains(
            Refused, r => r.Form == f.Key.Form && f.Key.Outcome.Contains(r.Reason, StringComparison.Ordinal)));
        Assert.All(Refused, r => Assert.Contains(failures, f => r.Form == f.Key.Form));
    }

    [Fact]
    public void NormalizationInfersWhateverItNames()
    {
        var plain = OperatorForms.Build("BatchNormalization x w:3 w:3 w:3 p:3", opset: 9, isHidden: false);
        var named = OperatorForms.Build(TrainingNormalization, opset: 9, isHidden: false);
        Assert.True(Run(OpsetUpgrade.Apply(named, "m.onnx"))[0].IsLike(Run(plain)[0]));
    }

    /// <summary>What is odd about a file, not about an operator: a convolution with its weight or header written otherwise.</summary>
    [Theory]
    [MemberData(nameof(FileForms))]
    public void OddFilesAreReadAsTheRuntimeReadsThem(string form)
    {
        using var folder = new TemporaryFolder();
        var model = Convolution();
        Odd[form](model);
        OnnxFile.Write(model, folder["odd.onnx"]);
        var expected = Run(model);
        var actual = Run(Graph.Read(folder["odd.onnx"]).Model);
        Assert.True(expected.Length == actual.Length && expected.Zip(actual).All(pair => pair.First.IsLike(pair.Second)));
    }

    /// <summary>What is odd.</summary>
    public static TheoryData<string> FileForms() => [.. Odd.Keys];

    private static readonly Dictionary<string, Action<ModelProto>> Odd = new()
    {
        ["batch of -1"] = m => m.Graph.Input[0].Type.TensorType.Shape.Dim[0] = new() { DimValue = -1 },
        ["sides of -1"] = m => m.Graph.Input[0].Type.TensorType.Shape.Dim[3] = new() { DimValue = -1 },
        ["output of -1"] = m => m.Graph.Output[0].Type = Shaped(-1, 4, -1, 6),
        ["output of another shape"] = m => m.Graph.Output[0].Type = Shaped(1, 4, 3, 3),
        ["an empty name of a dimension"] = m => m.Graph.Input[0].Type.TensorType.Shape.Dim[0] = new() { DimParam = "" },
        ["a constant twice"] = m => m.Graph.Initializer.Add(m.Graph.Initializer[0].Clone()),
        ["a sparse constant"] = m => m.Graph.SparseInitializer.Add(Sparse(m)),
        ["a sparse constant with an index an axis"] = m => m.Graph.SparseInitializer.Add(ByAxes(Sparse(m))),
        ["a sparse Constant node"] = m =>
        {
            var sparse = Sparse(m);
            sparse.Values.Name = "";
            var node = new NodeProto { OpType = "Constant" };
            node.Output.Add("w");
            node.Attribute.Add(
                new AttributeProto
                {
                    Name = "sparse_value",
                    Type = AttributeProto.Types.AttributeType.SparseTensor,
                    SparseTensor = sparse,
                });
            m.Graph.Node.Insert(0, node);
        },
        ["a Constant of text"] = m =>
        {
            m.Graph.Node.Add(NodeExtensions.Node("Constant", [], "t", NodeExtensions.Attribute("value_string", "text")));
            m.Graph.Output.Add(new ValueInfoProto { Name = "y" });
        },
        ["a constant among the inputs"] = m => m.Graph.Input.Add(new ValueInfoProto { Name = "w", Type = Shaped(4, 3, 3, 3) }),
        ["nodes out of order"] = m => m.Graph.Node.Add([.. TakeAll(m).Reverse()]),
        ["the domain by its long name"] = m => m.Graph.Node.ToList().ForEach(n => n.Domain = "ai.onnx"),
        ["opset by its long name"] = m => m.OpsetImport[0].Domain = "ai.onnx",
        ["a domain that nobody uses"] = m => m.OpsetImport.Add(new OperatorSetIdProto { Domain = "nobody", Version = 3 }),
        ["a constant that nobody reads"] = m => m.Graph.Initializer.Add(TensorData.Singles("unread", new float[9], 9)),
        ["shapes that are not so"] = m => m.Graph.ValueInfo.Add(new ValueInfoProto { Name = "c", Type = Shaped(1, 4, 2, 2) }),
        ["a node that nobody reads"] = m => m.Graph.Node.Add(NodeExtensions.Node("Neg", ["c"], "unread")),
    };

    [Fact]
    public void TwoConstantsOfOneNameAreRefused()
    {
        var model = Convolution();
        model.Graph.Initializer.Add(TensorData.Singles("w", new float[108], 4, 3, 3, 3));
        var error = Assert.Throws<OnnxFormatException>(() => Graph.FromModel(OpsetUpgrade.Apply(model, "m.onnx"), "m.onnx"));
        Assert.Contains("is there twice", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The runtime takes no image for a dimension of 0, but that an exporter did not know it is plain.</summary>
    [Fact]
    public void ADimensionOfNothingIsFree()
    {
        var model = Convolution();
        model.Graph.Input[0].Type.TensorType.Shape.Dim[0] = new() { DimValue = 0 };
        Assert.True(Graph.FromModel(OpsetUpgrade.Apply(model, "m.onnx"), "m.onnx").HasFreeBatch);
    }

    /// <summary>A file of the time before there were opsets: not for ONNX Runtime to run, but its meaning is plain.</summary>
    [Fact]
    public void AFileWithoutOpsetsIsOfTheFirst()
    {
        using var folder = new TemporaryFolder();
        var model = Convolution();
        model.OpsetImport.Clear();
        model.IrVersion = 2;
        OnnxFile.Write(model, folder["old.onnx"]);
        Assert.Equal(1, Graph.Read(folder["old.onnx"]).OriginalOpset);
    }

    private static ModelProto Convolution()
    {
        var net = new NetworkBuilder(opset: 13);
        return net.Then("Conv", "c", [net.Weight("w", 4, 3, 3, 3)]).Then("Relu", "y").Build();
    }

    private static NodeProto[] TakeAll(ModelProto model)
    {
        var nodes = model.Graph.Node.ToArray();
        model.Graph.Node.Clear();
        return nodes;
    }

    private static TypeProto Shaped(params long[] dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new TypeProto { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape } };
    }

    /// <summary>Takes the weight out of a model and keeps every third value.</summary>
    private static SparseTensorProto Sparse(ModelProto model)
    {
        float[] values = TensorData.ReadSingles("", model.Graph.Initializer[0]);
        var sparse = new SparseTensorProto();
        sparse.Dims.Add(model.Graph.Initializer[0].Dims);
        long[] kept = [.. Enumerable.Range(0, values.Length).Where(i => i % 3 == 0).Select(i => (long)i)];
        sparse.Values = TensorData.Singles("w", [.. kept.Select(i => values[i])], kept.Length);
        sparse.Indices = TensorData.Integers("", kept, kept.Length);
        model.Graph.Initializer.Clear();
        return sparse;
    }

    private static SparseTensorProto ByAxes(SparseTensorProto sparse)
    {
        long[] places = TensorData.ReadIntegers("", sparse.Indices);
        long[] indices = [.. places.SelectMany(p => new[] { p / 27, p / 9 % 3, p / 3 % 3, p % 3 })];
        sparse.Indices = TensorData.Integers("", indices, places.Length, 4);
        return sparse;
    }

    private const string NotRun = "not run";

    /// <summary>Empty where the outputs are the same.</summary>
    private static string Outcome(ModelProto model)
    {
        Answer[] expected;
        try
        {
            expected = Run(model);
        }
        catch (OnnxFormatException)
        {
            return NotRun;
        }
        try
        {
            var graph = Graph.FromModel(OpsetUpgrade.Apply(model, "m.onnx"), "m.onnx");
            var actual = Run(graph.Model);
            return expected.Length == actual.Length && expected.Zip(actual).All(pair => pair.First.IsLike(pair.Second)) ? "" : Differ;
        }
        catch (OnnxFormatException e)
        {
            return e.Message;
        }
    }

    private static Answer[] Run(ModelProto model)
    {
        using var session = new GraphSession(model, "m.onnx", GraphOptimizationLevel.ORT_DISABLE_ALL);
        var random = new Random(7);
        float[] pixels = [.. Enumerable.Range(0, 192).Select(_ => (float)((random.NextDouble() * 2) - 1))];
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, [1, 3, 8, 8]);
        using var values = session.Run(_ => input);
        return [.. values.Select(Answer.Of)];
    }

    private sealed record Answer(TensorElementType Type, long[] Shape, byte[] Bytes)
    {
        public static Answer Of(OrtValue value)
        {
            var info = value.GetTensorTypeAndShape();
            return new Answer(info.ElementDataType, info.Shape, value.GetTensorDataAsSpan<byte>().ToArray());
        }

        public bool IsLike(Answer other) => Type == other.Type && Shape.SequenceEqual(other.Shape) && (Type != TensorElementType.Float
            ? Bytes.SequenceEqual(other.Bytes)
            : Floats.Zip(other.Floats).All(p =>
                p.First.Equals(p.Second) || Math.Abs(p.First - p.Second) <= Absolute + (Relative * Math.Abs(p.First))));

        private float[] Floats => MemoryMarshal.Cast<byte, float>(Bytes).ToArray();
    }
}
