using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Onnx;

/// <summary>Layers in functions of a model are layers like others, and the network stays what ONNX Runtime runs.</summary>
public class FunctionInliningTests
{
    private const double Same = 1e-5;

    [Theory]
    [InlineData("weights given", 3)]
    [InlineData("weight inside", 1)]
    [InlineData("nested", 2)]
    [InlineData("attributes", 2)]
    [InlineData("absent inputs", 2)]
    [InlineData("absent output", 1)]
    [InlineData("names that clash", 2)]
    [InlineData("another opset", 1)]
    [InlineData("in a body", 0)]
    [InlineData("with a body", 2)]
    [InlineData("fused operator", 1)]
    [InlineData("overloads", 2)]
    public void OutputsStayAndLayersAreFound(string form, int layers)
    {
        var model = FunctionForms.Build(form);
        var graph = Graph.FromModel(OpsetUpgrade.Apply(model, "m.onnx"), "m.onnx");
        Assert.Empty(graph.Model.Functions);
        Assert.DoesNotContain(graph.Model.OpsetImport, import => import.Domain == FunctionForms.Mine);
        Assert.InRange(OtherPrecision.Distance(OtherPrecision.Run(model).Values, OtherPrecision.Run(graph.Model).Values), 0, Same);
        Assert.Equal(layers, LayerFinder.Find(graph).Layers.Count);
        string[] made = [.. graph.Nodes.SelectMany(n => n.Output).Where(o => o.Length > 0)];
        Assert.Equal(made.Distinct(), made);
    }

    /// <summary>Nodes are raised from the opset of their function, which the runtime does not take.</summary>
    [Fact]
    public void NodesOfAFunctionAreRaisedFromItsOpset()
    {
        var graph = Graph.FromModel(OpsetUpgrade.Apply(FunctionForms.Build("a form of another opset"), "m.onnx"), "m.onnx");
        var (expected, _) = OtherPrecision.Run(FunctionForms.Build("its own form"));
        Assert.InRange(OtherPrecision.Distance(expected, OtherPrecision.Run(graph.Model).Values), 0, Same);
    }

    [Fact]
    public void AMeaningThatIsNotTheModelsIsRefusedByName()
    {
        var model = FunctionForms.Build("weights given");
        model.Functions[0].Node.Add(Node("Softmax", ["b"], "c"));
        (model.Functions[0].Output[0], model.Functions[0].OpsetImport[0].Version) = ("c", 11);
        var error = Assert.Throws<OnnxFormatException>(() => OpsetUpgrade.Apply(model, "m.onnx"));
        Assert.Contains("function of opset 11, where Softmax is another operator", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A weight of the function's own is one weight, however often it is called.</summary>
    [Fact]
    public void AWeightInsideIsShared()
    {
        var graph = Graph.FromModel(OpsetUpgrade.Apply(FunctionForms.Build("weight inside"), "m.onnx"), "m.onnx");
        var layer = Assert.Single(LayerFinder.Find(graph).Layers);
        Assert.Equal(2, layer.Nodes.Count);
        Assert.Single(graph.Initializers);
    }

    [Fact]
    public void FunctionsWithoutLayersStay()
    {
        var model = FunctionForms.Build("weights given");
        model.Functions[0].Node.Clear();
        model.Functions[0].Node.Add(Node("Mul", ["a", "a"], "b"));
        Assert.Single(OpsetUpgrade.Apply(model, "m.onnx").Functions);
    }

    [Fact]
    public void WhatCallsItselfIsRefused()
    {
        var model = FunctionForms.Build("weights given");
        model.Functions[0].Node.Add(FunctionForms.Call("Block", ["b", "w"], "c"));
        var error = Assert.Throws<OnnxFormatException>(() => OpsetUpgrade.Apply(model, "m.onnx"));
        Assert.Contains("mine.Block calls itself", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Forty functions that each call the next twice are a billion nodes.</summary>
    [Fact]
    public void WhatUnfoldsWithoutEndIsRefused()
    {
        var model = FunctionForms.Build("weights given");
        for (int i = 0; i < 40; i++)
        {
            var next = i == 39 ? "Block" : $"F{i + 1}";
            FunctionForms.Add(
                model, $"F{i}", ["a", "w"], "b",
                FunctionForms.Call(next, ["a", "w"], "t"), FunctionForms.Call(next, ["t", "w"], "b"));
        }
        model.Graph.Node[0].OpType = "F0";
        var error = Assert.Throws<OnnxFormatException>(() => OpsetUpgrade.Apply(model, "m.onnx"));
        Assert.Contains("functions stand for more than", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFunctionOfALaterOpsetThanIsWantedIsRefusedByName()
    {
        var model = FunctionForms.Build("weights given");
        model.Functions[0].OpsetImport[0].Version = 23;
        Assert.Empty(OpsetUpgrade.Apply(model, "m.onnx").Functions);
        var error = Assert.Throws<OnnxFormatException>(() => OpsetUpgrade.Apply(model, "m.onnx", OpsetUpgrade.EarlierOpset));
        Assert.Contains("mine.Block of opset 23", error.Message, StringComparison.Ordinal);
    }
}
