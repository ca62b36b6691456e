using System.Text.Json;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Repair;

/// <summary>What activations cost is measured, said and repaired, from the command line.</summary>
public class ActivationCostTests
{
    private const double Negligible = 0.001;

    /// <summary>An outlier in every image: no grid serves all channels, so the tensor stays in floats.</summary>
    [Fact]
    public void OutlierChannelIsRepairedByFloats()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1000));
        var integers = Quantize(folder, model, images, "8");
        double before = integers.Loss("activationLoss");
        Assert.True(before > 10 * integers.Loss("weightLoss") && before > 0.01, $"{before}");
        Assert.Contains("--activations auto", integers.Error);

        var repaired = Quantize(folder, model, images, "auto");
        Assert.InRange(repaired.Loss("activationLoss"), double.NegativeInfinity, Math.Max(repaired.Loss("weightLoss"), Negligible));
        Assert.DoesNotContain("activations: they cost", repaired.Error);
        var repair = repaired.Json.GetProperty("activationRepair");
        Assert.Contains(repair.GetProperty("tensors").EnumerateArray(), tensor =>
            tensor.GetProperty("name").GetString() == "r1" && tensor.GetProperty("writtenAs").GetString() == "float");
        Assert.InRange(repair.GetProperty("floatMacs").GetDouble(), 0.01, 1);
        Assert.Equal(0, repair.GetProperty("floatMacsBefore").GetDouble());
        // Grids and conversions that are not there take no bytes.
        Assert.InRange(repaired.Json.GetProperty("sizeBytes").GetInt64(), 1, integers.Json.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(repaired.Json.GetProperty("sizeBytes").GetInt64(), new FileInfo(folder["auto.onnx"]).Length);

        // The file says the same of itself on ONNX Runtime, by another way.
        var (code, output, _) = Harness.Command(
            "evaluate", folder["auto.onnx"], "--images", images, "--preprocess", "unit", "--reference", model, "--json");
        Assert.Equal(0, code);
        using var evaluated = JsonDocument.Parse(output);
        Assert.Equal(repaired.Loss("measuredLoss"), evaluated.RootElement.GetProperty("lossIncrease").GetDouble(), 1e-9);
    }

    /// <summary>A person reads what was repaired, and at what price.</summary>
    [Fact]
    public void RepairIsSaid()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1000));
        var (code, output, error) = Harness.Command(
            "quantize", model, "--images", images, "--preprocess", "unit", "--bits", "8", "--estimator", "diagonal", "--budget", "8bit",
            "--activations", "auto", "--run", folder["run"], "-o", folder["a.onnx"]);
        Assert.True(code == 0, error);
        Assert.Matches(@"activations: of the file's loss [\d.]+ they cost -?[\d.]+, weights [\d.]+ \(48 images\)", output);
        Assert.Matches(@"r1 +[\d.]+ +float", output);
        Assert.Contains("the price: ", output);
        Assert.Contains("computes in floats: 2 × Conv, rounding what it reads or gives to 8 bits costs too much", output);
    }

    /// <summary>An outlier in a few pixels: a grid that leaves those out serves all others, and nothing computes in floats.</summary>
    [Fact]
    public void RareOutlierIsRepairedByAnotherGrid()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1000, rare: true));
        var integers = Quantize(folder, model, images, "8");
        Assert.True(integers.Loss("activationLoss") > Math.Max(integers.Loss("weightLoss"), Negligible), integers.Output);
        var repaired = Quantize(folder, model, images, "auto");
        Assert.InRange(repaired.Loss("activationLoss"), double.NegativeInfinity, Math.Max(repaired.Loss("weightLoss"), Negligible));
        var repair = repaired.Json.GetProperty("activationRepair");
        Assert.Equal(0, repair.GetProperty("floatMacs").GetDouble());
        Assert.All(repair.GetProperty("tensors").EnumerateArray(), tensor =>
            Assert.StartsWith("percentile", tensor.GetProperty("writtenAs").GetString()));
        Assert.Equal(integers.Json.GetProperty("sizeBytes").GetInt64(), repaired.Json.GetProperty("sizeBytes").GetInt64());
    }

    /// <summary>Where activations cost little, auto writes the same bytes as 8, which is the default.</summary>
    [Fact]
    public void WhatCostsLittleIsLeftAsItIs()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1));
        var integers = Quantize(folder, model, images, "8", "4bit");
        var auto = Quantize(folder, model, images, "auto", "4bit");
        Assert.Equal(File.ReadAllBytes(folder["8.onnx"]), File.ReadAllBytes(folder["auto.onnx"]));
        Assert.False(auto.Json.TryGetProperty("activationRepair", out _));
        Assert.Equal(integers.Loss("measuredLoss"), integers.Loss("weightLoss") + integers.Loss("activationLoss"), 1e-12);
        Assert.DoesNotContain("activations: they cost", integers.Error);
    }

    /// <summary>Export, which evaluates nothing, says what activations cost, too; with floats there is nothing to say.</summary>
    [Fact]
    public void ExportSaysWhatActivationsCost()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1000));
        var integers = Quantize(folder, model, images, "8");
        var (code, output, error) = Harness.Command("export", "--run", folder["run"], "--budget", "8bit", "-o", folder["e.onnx"], "--json");
        Assert.True(code == 0, error);
        using var exported = JsonDocument.Parse(output);
        Assert.Equal(integers.Loss("activationLoss"), exported.RootElement.GetProperty("activationLoss").GetDouble(), 1e-6);
        (_, output, error) = Harness.Command("export", "--run", folder["run"], "--budget", "8bit", "-o", folder["e.onnx"]);
        Assert.Contains("activations: of the file's loss", output);
        Assert.Contains("activations: they cost", error);
        (_, output, _) = Harness.Command(
            "export", "--run", folder["run"], "--budget", "8bit", "-o", folder["e.onnx"], "--activations", "float", "--json");
        Assert.DoesNotContain("activationLoss", output);
    }

    /// <summary>The second time, what ranges cost is known; and the same is found.</summary>
    [Fact]
    public void CostsOfRangesAreKeptInTheRunFolder()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1000));
        var first = Quantize(folder, model, images, "auto");
        var bytes = File.ReadAllBytes(folder["auto.onnx"]);
        long records = new FileInfo(folder["run/records.sqlite"]).Length;
        var second = Quantize(folder, model, images, "auto");
        Assert.Equal(bytes, File.ReadAllBytes(folder["auto.onnx"]));
        Assert.Equal(records, new FileInfo(folder["run/records.sqlite"]).Length);
        Assert.Equal($"{first.Json.GetProperty("activationRepair")}", $"{second.Json.GetProperty("activationRepair")}");
    }

    /// <summary>A curve has the files as they would be written, repaired.</summary>
    [Fact]
    public void SweepsRepairToo()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1000));
        var repaired = Quantize(folder, model, images, "auto");
        var (code, output, error) = Harness.Command(
            "sweep", "--run", folder["run"], "--activations", "auto", "--budgets", "8bit", "--rounds", "0", "--json");
        Assert.True(code == 0, error);
        using var curve = JsonDocument.Parse(output);
        var point = curve.RootElement.EnumerateArray().First(p => p.GetProperty("method").GetString() == "clado");
        Assert.Equal(repaired.Json.GetProperty("sizeBytes").GetInt64(), point.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(repaired.Loss("measuredLoss"), point.GetProperty("measuredLoss").GetDouble(), 1e-9);
    }

    /// <summary>Bit operations that a limit counts are not known where activations are decided on later.</summary>
    [Fact]
    public void BitOperationsCannotBeLimited()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Written(folder, OutlierNetworks.Classifier(1));
        var (code, _, error) = Harness.Command(
            "quantize", model, "--images", images, "--preprocess", "unit", "--budget", "8bit", "--max-bitops", "1000000",
            "--activations", "auto", "--run", folder["run"], "-o", folder["a.onnx"]);
        Assert.Equal(2, code);
        Assert.Contains("--max-bitops", error);
        Assert.False(Directory.Exists(folder["run"]));
    }

    private static (string Model, string Images) Written(TemporaryFolder folder, NetworkBuilder net)
    {
        OnnxFile.Write(net.Build(), folder["model.onnx"]);
        return (folder["model.onnx"], OutlierNetworks.Images(folder, 48));
    }

    private static Result Quantize(TemporaryFolder folder, string model, string images, string activations, string budget = "8bit")
    {
        var (code, output, error) = Harness.Command(
            "quantize", model, "--images", images, "--preprocess", "unit", "--bits", "4,8", "--estimator", "diagonal", "--budget", budget,
            "--activations", activations, "--run", folder["run"], "-o", folder[$"{activations}.onnx"], "--json");
        Assert.True(code == 0, error);
        using var json = JsonDocument.Parse(output);
        return new Result(json.RootElement.Clone(), output, error);
    }

    private sealed record Result(JsonElement Json, string Output, string Error)
    {
        public double Loss(string key) => Json.GetProperty(key).GetDouble();
    }
}
