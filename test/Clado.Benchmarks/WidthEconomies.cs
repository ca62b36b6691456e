using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Images;
using Clado.Packing;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>
/// Cheaper ways to know what a wide candidate costs: fewer images for it, or its neighbours' sensitivities instead of a measurement. What
/// counts is the loss of the choice that comes of it.
/// </summary>
internal static class WidthEconomies
{
    private const int Wide = 6, Below = 4, Above = 8;
    private static readonly double[] Budgets = [2.25, 2.5, 3, 3.5, 4, 5];

    /// <summary>The widths to measure. Shape: [widths].</summary>
    public static int[] Widths => [2, 3, Below, Wide, Above];

    /// <summary>Compares them on one network.</summary>
    /// <param name="options">Model and images, additive, with <see cref="Widths"/>.</param>
    public static void Run(PipelineOptions options)
    {
        var whole = Pipeline.Measure(options);
        var candidates = whole.Rows;
        var images = ImageFolder.Open(options.Images).Limit(options.Limit, options.Seed);
        var inputs = new MeasurementInputs(whole.Graph, candidates, new Workload(images, options.Preprocessing));
        using var records = new RecordStore(Path.Combine(options.Run!, "quarter.sqlite"));
        var fewer = new ImageSet(images.Folder, [.. images.Items.Where((_, i) => i % 4 == 0)]);
        var part = inputs with { Work = inputs.Work with { Images = fewer } };
        var quarter = SensitivityMeasurement.Measure(part, [], options.Sensitivity, records);

        int n = candidates.Items.Count;
        bool IsWide(int row) => candidates.Items[row].Bits > Below;
        double[] fewerImages = [.. whole.Sensitivity.Raw.Select(
            (value, entry) => IsWide(entry / n) || IsWide(entry % n) ? quarter.Raw[entry] : value)];
        var interpolated = Interpolated(whole.Sensitivity.Raw, candidates);
        double Error(double[] matrix, int row) => Math.Abs((matrix[row * (n + 1)] / whole.Sensitivity.Raw[row * (n + 1)]) - 1);
        Console.WriteLine($"\nSingle losses of {Wide} bits interpolated from {Below} and {Above}: median relative error "
            + $"{Median(Rows(candidates, Wide).Select(row => Error(interpolated, row))):P0}; "
            + $"on a quarter of the images, widths above {Below}: "
            + $"{Median(Enumerable.Range(0, n).Where(IsWide).Select(row => Error(quarter.Raw, row))):P0}");
        Console.WriteLine(
            $"\n| bits | all measured | widths above {Below} on a quarter of the images | {Wide} bits interpolated | without {Wide} bits "
                + $"|\n|---|---|---|---|---|");
        foreach (double budget in Budgets)
        {
            var choices = new[] { whole.Sensitivity.Raw, fewerImages, interpolated, Without(whole.Sensitivity.Raw, candidates) }
                .Select(matrix => Choose(whole, matrix, budget)).ToArray();
            var losses = JointLoss.Measure(inputs, choices, options.Sensitivity.Loss, records);
            Console.WriteLine($"| {budget} | {string.Join(" | ", losses.Select(loss => $"{loss.Average():0.0000}"))} |");
        }
    }

    private static int[] Choose(MeasuredRun pipeline, double[] matrix, double bits)
    {
        var surrogate = new Surrogate
        {
            Name = "economies",
            Matrix = SpectralProjection.Project(matrix, pipeline.Rows.Items.Count).Projected,
        };
        var result = BitAllocation.Allocate(
            surrogate, pipeline.Rows, new FileSize(pipeline.Graph, pipeline.Layers), Budget.Parse($"{bits}bit", 0),
            new AutomaticAllocator());
        return pipeline.Rows.RowsOf(result.Chosen);
    }

    /// <summary>Losses between two widths fall geometrically with the bits; cross terms as the geometric mean of what they cross.</summary>
    private static double[] Interpolated(double[] raw, CandidateSet candidates)
    {
        int n = candidates.Items.Count;
        double[] matrix = [.. raw];
        var factors = new double[n];
        Array.Fill(factors, 1);
        int[] source = [.. Enumerable.Range(0, n)];
        foreach (int row in Rows(candidates, Wide))
        {
            double below = Math.Max(raw[(row - 1) * (n + 1)], 1e-12), above = Math.Max(raw[(row + 1) * (n + 1)], 1e-12);
            (source[row], factors[row]) = (row - 1, Math.Sqrt(Math.Pow(above / below, (double)(Wide - Below) / (Above - Below))));
        }
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b < n; b++)
            {
                if (a == b || candidates.LayerOf[a] != candidates.LayerOf[b])
                {
                    matrix[(a * n) + b] = raw[(source[a] * n) + source[b]] * factors[a] * factors[b];
                }
            }
        }
        return matrix;
    }

    /// <summary>The width made useless: a loss no choice would take.</summary>
    private static double[] Without(double[] raw, CandidateSet candidates)
    {
        double[] matrix = [.. raw];
        foreach (int row in Rows(candidates, Wide))
        {
            matrix[row * (candidates.Items.Count + 1)] = 1e3;
        }
        return matrix;
    }

    private static IEnumerable<int> Rows(CandidateSet candidates, int bits) =>
        Enumerable.Range(0, candidates.Items.Count).Where(row => candidates.Items[row].Bits == bits);

    private static double Median(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;
}
