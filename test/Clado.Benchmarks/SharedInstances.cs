using System.Text.Json;
using Clado.Allocation.Solver;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>Measured matrices that lie beside the repository (or where CLADO_SHARED says).</summary>
internal sealed record SharedInstances(string Name, double[] Raw, double[] Projected, double[] Sizes)
{
    /// <summary>Path of a shared file or folder.</summary>
    public static string Locate(string path) =>
        Path.Combine(
            Environment.GetEnvironmentVariable("CLADO_SHARED") is { Length: > 0 } given ? given : Path.Combine("..", "shared"), path);

    public static IEnumerable<SharedInstances> All()
    {
        foreach (var file in Directory.GetFiles(Locate("iqp-instances"), "*.json").Order())
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            double[] Numbers(string name) => [.. document.RootElement.GetProperty(name).EnumerateArray().Select(e => e.GetDouble())];
            double[] raw = Numbers("G"), sizes = Numbers("parameters");
            yield return new SharedInstances(
                Path.GetFileNameWithoutExtension(file), raw,
                SpectralProjection.Project(raw, sizes.Length * RandomInstances.Bits.Length).Projected, sizes);
        }
    }

    public AllocationProblem Problem(bool projected, double meanBits) => RandomInstances.Of(projected ? Projected : Raw, Sizes, meanBits);
}
