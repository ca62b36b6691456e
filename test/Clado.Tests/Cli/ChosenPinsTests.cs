using System.Text.Json;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Pins of a choice, among the widths that were measured, and choices that nothing is measured for.</summary>
public class ChosenPinsTests
{
    [Fact]
    public void PinsOfAChoiceAreKeptAndLaterOnesWin()
    {
        using var folder = new TemporaryFolder();
        string[] allocate = Measured(folder);
        var free = Bits(Harness.Command([.. allocate, "--budget", "3bit", "--predicted"]));
        var some = Bits(Harness.Command([.. allocate, "--budget", "3bit", "--predicted", "--pin", "*=2,3,4", "--pin", "conv_c1=6"]));
        Assert.Equal(5, free.Length);
        Assert.Equal(6, some[0]);
        Assert.All(some[1..], bits => Assert.InRange(bits, 2, 4));
        // What is pinned by itself is a problem of its own: its smallest file is said.
        var (code, _, error) = Harness.Command([.. allocate, "--budget", "2bit", "--predicted", "--pin", "*=3"]);
        Assert.Equal(1, code);
        Assert.Contains(
            "--budget 2bit: no choice of these widths keeps it; the least is 3.00 bits a weight", error, StringComparison.Ordinal);
        // Each is kept in the run folder under a name of its own.
        Assert.Equal(2, Directory.GetFiles(folder["run"], "allocation-3bit*-predicted.json").Length);
    }

    [Theory]
    [InlineData("conv_c9=3", "--pin conv_c9=3: no layer is called that")]
    [InlineData("conv_c1=9", "--pin conv_c1=9: NAME=BITS")]
    [InlineData("conv_c1=float", "--pin conv_c1=float: what stays float is decided when the network is measured")]
    [InlineData("conv_c1=5,7", "--pin: layer 'conv_c1' was measured at 2, 3, 4, 6, 8 bits, of which 5, 7 leaves none")]
    public void APinThatCannotBeKeptIsRefused(string pin, string message)
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = Harness.Command([.. Measured(folder), "--budget", "3bit", "--pin", pin]);
        Assert.Equal(2, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    /// <summary>The choice of the matrix alone is that of the estimator it is of, and wants no images.</summary>
    [Fact]
    public void WhatIsPredictedIsTheEstimatorsOwnChoice()
    {
        using var folder = new TemporaryFolder();
        string[] allocate = Measured(folder, "--estimator", "additive");
        var own = Bits(Harness.Command([.. allocate, "--budget", "3bit"]));
        Directory.Delete(folder["images"], recursive: true);
        Assert.Equal(own, Bits(Harness.Command([.. allocate, "--budget", "3bit", "--predicted"])));
    }

    private static string[] Measured(TemporaryFolder folder, params string[] options)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 2);
        string[] measure = ["measure", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--run", folder["run"]];
        Assert.Equal(0, Harness.Command([.. measure, .. options]).Code);
        return ["allocate", "--run", folder["run"], "--json"];
    }

    private static int[] Bits((int Code, string Output, string Error) answer)
    {
        Assert.True(answer.Code == 0, answer.Error);
        using var document = JsonDocument.Parse(answer.Output);
        return [.. document.RootElement.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("bits").GetInt32())];
    }
}
