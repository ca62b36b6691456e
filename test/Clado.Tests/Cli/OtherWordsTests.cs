using System.Text.Json;
using System.Text.Json.Serialization;
using Clado.Cli.Output;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>What other libraries say, in words for who uses this one.</summary>
public class OtherWordsTests
{
    [Theory]
    [InlineData("no 'System.Int32' of type 'Clado.Onnx.ModelProto'.", "no 'Int32' of type 'ModelProto'.")]
    [InlineData("scale must be finite (Parameter 'Scale')", "scale must be finite")]
    [InlineData("No space left : '/out/q.onnx.0123456789abcdef0123456789abcdef.part'", "No space left : '/out/q.onnx'")]
    [InlineData("[ErrorCode:Fail] This is an invalid model.", "This is an invalid model.")]
    [InlineData(
        "[ErrorCode:RuntimeException] Non-zero status code returned while running Reshape node. Name:'r' Status Message: "
        + "/onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:47 "
        + "onnxruntime::ReshapeHelper::ReshapeHelper(const TensorShape&, TensorShapeVector&, bool) size != 0 was false.",
        "Non-zero status code returned while running Reshape node. Name:'r' Status Message: size != 0 was false.")]
    [InlineData("first\nsecond", "first")]
    [InlineData("image.System.png and Clado.Cli are no types", "image.System.png and Cli are no types")]
    public void TypesPlacesAndTemporaryFilesAreLeftOut(string message, string plain) =>
        Assert.Equal(plain, CladoException.Plain(new InvalidOperationException(message)));

    [Theory]
    [InlineData("""{"Layers": 1}""", "'Layers' in line 1 has a value of another kind")]
    [InlineData("""{"Other": 1}""", "'Other' in line 1 is no property of it")]
    [InlineData("{\n]", "line 2 is no JSON")]
    public void WhatIsWrongWithJsonIsSaidWithItsPlace(string json, string said)
    {
        var e = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Listed>(json));
        Assert.Equal(said, CladoException.Plain(e));
    }

    /// <summary>An error of the system says what to do, and no names of types; a defect says how to report it.</summary>
    [Fact]
    public void ErrorsOfTheSystemSayWhatToDo()
    {
        Assert.EndsWith("goes on where it was", Problems.Expected(new IOException("Input/output error")), StringComparison.Ordinal);
        Assert.Contains("; make room", Problems.Expected(new IOException("No space left on device", 28)), StringComparison.Ordinal);
        Assert.Contains("; give a place", Problems.Expected(new UnauthorizedAccessException("denied")), StringComparison.Ordinal);
        Assert.Null(Problems.Expected(new InvalidOperationException()));
        var stop = new AggregateException(new OperationCanceledException());
        Assert.True(Problems.IsStop(stop));
        Assert.Equal(Problems.Expected(new OperationCanceledException()), Problems.Expected(stop));
        Assert.Contains($"{Problems.TraceVariable}=1", Problems.OfDefect(new InvalidOperationException("odd")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("diagonal", "what layers lose one by one (diagonal)")]
    [InlineData("fisher", "what layers lose one by one and in pairs (fisher)")]
    [InlineData("fisher/4", "what layers lose one by one, and a quarter of what pairs do (fisher/4)")]
    [InlineData("fisher, shrunk", "what layers lose one by one and in pairs, pairs as far as they are known (fisher, shrunk)")]
    [InlineData(
        "additive/2, 11 layers",
        "what layers lose one by one, and half of what pairs do (additive/2, 11 layers), "
        + "among those that change at most 11 layers of the choice before")]
    [InlineData(
        "diagonal, 1 layer",
        "what layers lose one by one (diagonal, 1 layer), among those that change at most 1 layer of the choice before")]
    public void AnObjectiveIsSaidInPlainWords(string surrogate, string words) => Assert.Equal(words, SummaryViews.Objective(surrogate));

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record Listed(string[] Layers);
}
