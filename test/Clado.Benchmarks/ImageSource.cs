namespace Clado.Benchmarks;

/// <summary>Images for networks of all tasks: to measure on, and others to test on.</summary>
/// <param name="images">Images to measure on.</param>
/// <param name="tests">Images to test on, at most.</param>
internal sealed class ImageSource(int images, int tests) : IDisposable
{
    public const string Cifar = "cifar10", ImageNet = "imagenet-sample", Photos = "photos", Faces = "faces";

    // Drawn for the benchmark.
    public const string Pages = "pages", Lines = "lines", TurnedLines = "turned lines";

    private readonly string folder = Directory.CreateTempSubdirectory("clado-images").FullName;

    /// <summary>Folders of a source.</summary>
    /// <param name="name">Its name.</param>
    public (string Calibration, string Test) Of(string name)
    {
        if (name is Cifar or ImageNet)
        {
            return (SharedInstances.Locate($"data/{name}/calibration"), SharedInstances.Locate($"data/{name}/test"));
        }
        var own = Path.Combine(folder, name);
        var (calibration, test) = (Path.Combine(own, "calibration"), Path.Combine(own, "test"));
        if (!Directory.Exists(own))
        {
            switch (name)
            {
                case Pages:
                    TextPages.Write(calibration, images, 1);
                    TextPages.Write(test, tests, 2);
                    break;
                case Lines or TurnedLines:
                    TextPages.WriteLines(calibration, images, 1, turned: name == TurnedLines);
                    TextPages.WriteLines(test, tests, 2, turned: name == TurnedLines);
                    break;
                default:
                    CopyPhotos(name == Faces ? "Faces" : "", calibration, test);
                    break;
            }
        }
        return (calibration, test);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Photographs whose name begins so: some to measure on, others to test on.</summary>
    private void CopyPhotos(string beginning, string calibration, string test)
    {
        var photos = Directory.GetFiles(SharedInstances.Locate("data/photos"), beginning + "*.jpg").Order(StringComparer.Ordinal).ToArray();
        new Random(0).Shuffle(photos);
        foreach (var (target, own) in new[] { (calibration, photos.Take(images)), (test, photos.Skip(images).Take(tests)) })
        {
            Directory.CreateDirectory(target);
            foreach (var photo in own)
            {
                File.Copy(photo, Path.Combine(target, Path.GetFileName(photo)));
            }
        }
    }
}
