namespace Clado.Benchmarks;

/// <summary>A shared network, with images for it and a size that is tight for it.</summary>
/// <param name="Model">Name of its file.</param>
/// <param name="Images">Folder of images to measure on.</param>
/// <param name="Preprocess">How they become inputs.</param>
/// <param name="Budget">The size.</param>
internal sealed record SharedNetwork(string Model, string Images, string Preprocess, string Budget)
{
    private static readonly SharedNetwork[] All =
    [
        new("resnet20_cifar10", "cifar10/calibration", "imagenet", "3bit"),
        new("vit_cifar10", "cifar10/calibration", "cifar10", "3bit"),
        new("mlperf_resnet8_cifar10", "cifar10/calibration", "raw255", "3bit"),
        new("mcunet_imagenet", "imagenet-sample/calibration", "tf", "4bit"),
        new("mobilenetv2_imagenet", "imagenet-sample/calibration", "tf", "4bit"),
    ];

    /// <summary>Those named among some words; without words, the first. Shape: [networks].</summary>
    public static IEnumerable<SharedNetwork> Named(params IReadOnlyList<string> words) =>
        words.Count == 0 ? All.Take(1) : All.Where(network => words.Contains(network.Model));
}
