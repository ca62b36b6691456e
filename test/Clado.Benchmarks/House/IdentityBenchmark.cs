using System.Diagnostics;
using System.Security.Cryptography;
using Clado.Tests.Support;

namespace Clado.Benchmarks.House;

/// <summary>
/// What a command line writes, as hashes: two builds that choose the same bits and write the same files print the same page.
/// </summary>
internal static class IdentityBenchmark
{
    private const string Photos = "data/photos", Cifar = "data/cifar10/calibration", ImageNet = "data/imagenet-sample/calibration";
    private const string Samples = "samples/images/calibration";

    private static readonly string[] Budgets = ["2.5bit", "3bit", "4bit"];

    private static readonly (string Model, string Images, string Preprocessing)[] Networks =
    [
        ("samples/resnet20.onnx", Samples, "samples/preprocessing.json"),
        ("samples/vit.onnx", Samples, "samples/preprocessing.json"),
        ("models/mlperf_resnet8_cifar10.onnx", Cifar, "raw255"),
        ("models/face_detection.onnx", Photos, "unit"),
        ("models/resnet20_cifar10.onnx", Cifar, "imagenet"),
        ("models/vit_cifar10.onnx", Cifar, "cifar10"),
        ("models/mcunet_imagenet.onnx", ImageNet, """{"resize":201,"scale":0.00392156862745098,"mean":[0.5],"std":[0.5]}"""),
        ("models/mobilenetv2_imagenet.onnx", ImageNet, "tf"),
        ("models/ocr_detection.onnx", Photos, "imagenet"),
    ];

    /// <summary>Writes every network for every budget and prints what became of it.</summary>
    /// <param name="command">Path of the program.</param>
    public static int Run(string command)
    {
        using var folder = new TemporaryFolder();
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Console.WriteLine("| network | budget | bytes | SHA-256 |\n|---|---|---|---|");
        foreach (var network in Networks)
        {
            foreach (var budget in Budgets)
            {
                var written = folder["written.onnx"];
                int code = Quantize(command, network, budget, written, folder);
                byte[] content = code == 0 ? File.ReadAllBytes(written) : [(byte)code];
                all.AppendData(SHA256.HashData(content));
                var result = code == 0 ? $"{content.Length} | {Digits(SHA256.HashData(content))}" : $"exit code {code} | ";
                Console.WriteLine($"| {Path.GetFileNameWithoutExtension(network.Model)}{Origin(network.Model)} | {budget} | {result} |");
            }
        }
        Console.WriteLine($"\nAll: {Digits(all.GetHashAndReset())}");
        return 0;
    }

    private static int Quantize(
        string command, (string Model, string Images, string Preprocessing) network, string budget, string written, TemporaryFolder folder)
    {
        File.Delete(written);
        var preprocessing = network.Preprocessing;
        if (preprocessing.StartsWith('{'))
        {
            File.WriteAllText(folder["preprocessing.json"], preprocessing);
            preprocessing = folder["preprocessing.json"];
        }
        // The budgets of a network share its measurement.
        string[] words =
        [
            "quantize", Locate(network.Model), "--images", Locate(network.Images), "--preprocess", preprocessing, "--limit", "48", "--bits",
            "2,4,8",
            "--estimator", "diagonal", "--rounds", "0", "--budget", budget, "-o", written, "--run", folder[Path.GetFileName(network.Model)],
        ];
        using var process = Process.Start(new ProcessStartInfo(command, words) { RedirectStandardOutput = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }

    private static string Locate(string name) => name.StartsWith("samples", StringComparison.Ordinal) ? name : SharedInstances.Locate(name);

    private static string Origin(string model) => model.StartsWith("samples", StringComparison.Ordinal) ? " (sample)" : "";

    private static string Digits(byte[] hash) => Convert.ToHexStringLower(hash)[..12];
}
