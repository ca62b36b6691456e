using System.Globalization;
using Clado.Records;
using Clado.Sensitivity;
using static System.FormattableString;

namespace Clado.Runs;

/// <summary>A sensitivity matrix as <c>sensitivity.safetensors</c> holds it.</summary>
internal static class SensitivityFile
{
    // Beyond what any loss comes to, and below what a decomposition could overflow by.
    internal const double Largest = 1e100;

    public static Safetensors Of(SensitivityMatrix matrix)
    {
        var file = new Safetensors();
        int n = matrix.CandidateCount;
        file.Add("raw", matrix.Raw, n, n);
        file.Add("standardErrors", matrix.StandardErrors, n, n);
        file.Add("projected", matrix.Projected, n, n);
        file.Add("eigenvalues", matrix.Eigenvalues, n);
        file.Metadata["estimator"] = matrix.Estimator;
        file.Metadata["loss"] = matrix.Loss;
        file.Metadata["baseLoss"] = matrix.BaseLoss.ToString("R", CultureInfo.InvariantCulture);
        file.Metadata["images"] = matrix.ImageCount.ToString(CultureInfo.InvariantCulture);
        if (matrix.Checks.Count > 0)
        {
            file.Add(
                "checks", [.. matrix.Checks.SelectMany(c => (double[])[c.Bits, c.CandidateCount, c.Predicted, c.Measured])],
                matrix.Checks.Count, 4);
        }
        foreach (var (key, count) in ((string, int?)[])[("batchSize", matrix.BatchSize), ("forwardImages", matrix.ForwardImages)])
        {
            if (count is { } known)
            {
                file.Metadata[key] = known.ToString(CultureInfo.InvariantCulture);
            }
        }
        return file;
    }

    /// <summary>Reads a matrix of numbers that losses can have.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static SensitivityMatrix Read(Stream stream)
    {
        var file = Safetensors.Read(stream);
        long n = file.Count("eigenvalues");
        string Text(string key) => file.Metadata.TryGetValue(key, out var text) ? text : throw new InvalidDataException($"no {key}");
        int? Count(string key) => file.Metadata.TryGetValue(key, out var text)
            ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
        double[] checks = file.Has("checks") ? file.Get<double>("checks", file.Count("checks") / 4 * 4) : [];
        var matrix = new SensitivityMatrix
        {
            Estimator = Text("estimator"),
            Loss = Text("loss"),
            BaseLoss = double.Parse(Text("baseLoss"), NumberStyles.Float, CultureInfo.InvariantCulture),
            ImageCount = int.Parse(Text("images"), NumberStyles.None, CultureInfo.InvariantCulture),
            BatchSize = Count("batchSize"),
            ForwardImages = Count("forwardImages"),
            Raw = file.Get<double>("raw", checked(n * n)),
            StandardErrors = file.Get<double>("standardErrors", n * n),
            Projected = file.Get<double>("projected", n * n),
            Eigenvalues = file.Get<double>("eigenvalues", n),
            Checks = [.. checks.Chunk(4).Select(c => new GradientCheck((int)c[0], (int)c[1], c[2], c[3]))],
        };
        if (n == 0 || matrix.ImageCount < 1 || matrix.BatchSize < 1 || matrix.ForwardImages < 1
            || !SensitivityOptions.Losses.Contains(matrix.Loss) || !SensitivityOptions.Estimators.Contains(matrix.Estimator))
        {
            throw new InvalidDataException(
                $"{n} candidates, {matrix.ImageCount} images, loss '{matrix.Loss}', estimator '{matrix.Estimator}'");
        }
        double[][] numbers = [matrix.Raw, matrix.StandardErrors, matrix.Projected, matrix.Eigenvalues, [matrix.BaseLoss], checks];
        return numbers.All(part => part.All(value => Math.Abs(value) <= Largest))
            ? matrix
            : throw new InvalidDataException(Invariant($"numbers that are not finite, or above {Largest:R}"));
    }
}
