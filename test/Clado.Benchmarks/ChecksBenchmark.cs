using System.Globalization;
using Clado.Graphs;
using Clado.Images;

namespace Clado.Benchmarks;

/// <summary>How well gradients describe each width on all images of a run, and how well a check on some of the images tells that.</summary>
internal static class ChecksBenchmark
{
    private const int MostCandidates = 8;

    private static readonly int[] Widths = [2, 3, 4];

    /// <summary>Runs.</summary>
    /// <param name="network">The network.</param>
    /// <param name="rounding">How its weights are rounded.</param>
    /// <param name="images">Images of a run at most: three of four are looked at.</param>
    public static int Run(SharedNetwork network, string rounding, int images)
    {
        var graph = Graph.Read(SharedInstances.Locate($"models/{network.Model}.onnx"));
        var set = ImageFolder.Open(SharedInstances.Locate($"data/{network.Images}")).Limit(images, 0).DecodedOnce();
        var preprocessing = Preprocessing.Parse(network.Preprocess);
        var candidates = FisherBenchmark.Round(graph, new Workload(set, preprocessing), rounding, Widths);
        double[] Diagonal(ImageSet own, string estimator)
        {
            var matrix = MeasuringBenchmark.Measure(graph, candidates, own, preprocessing, estimator);
            return [.. Enumerable.Range(0, candidates.Items.Count).Select(matrix.LossIncrease)];
        }

        var seen = set.WithoutHeldBack();
        var (fisher, forward) = (Diagonal(seen, "fisher"), Diagonal(seen, "diagonal"));
        int[] counts = [32, 64, 128];
        var few = counts.Select(count => seen.Spread(count))
            .Select(own => (Fisher: Diagonal(own, "fisher"), Forward: Diagonal(own, "diagonal"))).ToArray();
        Console.WriteLine($"\n### {network.Model}, {rounding}, {seen.Items.Count} images\n\n"
            + "| width | all candidates, all images | log of ratios, root mean square | the same on "
            + string.Join(" | the same on ", counts) + " images | check on " + string.Join(" | check on ", counts) + " images |\n"
            + $"|---|---|---|{string.Concat(Enumerable.Repeat("---|", 2 * counts.Length))}");
        foreach (int bits in Widths)
        {
            int[] rows = [.. candidates.Items.Index().Where(c => c.Item.Bits == bits).Select(c => c.Index)];
            string[] cells =
            [
                Of(rows.Sum(row => forward[row]) / rows.Sum(row => fisher[row])),
                Of(Math.Sqrt(rows.Average(row => Math.Pow(Math.Log(forward[row] / fisher[row]), 2)))),
                .. few.Select(own => Of(rows.Sum(row => own.Forward[row]) / rows.Sum(row => own.Fisher[row]))),
                .. few.Select(own =>
                {
                    var worst = rows.OrderByDescending(row => own.Fisher[row]).Take(MostCandidates).ToArray();
                    return Of(worst.Sum(row => own.Forward[row]) / worst.Sum(row => own.Fisher[row]));
                }),
            ];
            Console.WriteLine($"| {bits} | {string.Join(" | ", cells)} |");
        }
        return 0;
    }

    private static string Of(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
