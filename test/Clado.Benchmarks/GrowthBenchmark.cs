using Clado.Images;
using static System.FormattableString;

namespace Clado.Benchmarks;

/// <summary>How time and memory of a whole <c>quantize</c> grow: with layers, images, classes and widths.</summary>
internal static class GrowthBenchmark
{
    private const int Images = 64;

    // Stages that a column is of; all others are the last.
    private static readonly (string Title, string[] Beginnings)[] Columns =
    [
        ("rounding", ["rounding"]), ("measuring", ["measuring", "checking gradients"]), ("choosing", ["choosing"]),
        ("the file", ["writing", "activation", "comparing", "evaluating", "what activations", "measuring biases", "uniform"]),
    ];

    /// <summary>Grows along the axes named, or all.</summary>
    public static int Run(string[] axes)
    {
        var folder = Directory.CreateTempSubdirectory("clado-growth").FullName;
        string Network(int blocks, int classes)
        {
            var path = Path.Combine(folder, "network.onnx");
            RandomResNet.WriteCifar(path, blocks, classes);
            return path;
        }
        var resnet20 = SharedInstances.Locate("models/resnet20_cifar10.onnx");
        void Axis(string name, int[] sizes, Func<int, PipelineOptions> options)
        {
            if (axes.Length == 0 || axes.Contains(name))
            {
                Table(name, sizes, options);
            }
        }

        Axis("layers", [20, 56, 110, 200], layers => Job(Network((layers - 2) / 6, 10)));
        Axis("images", [64, 128, 256, 512], images => Job(resnet20) with { Limit = images });
        Axis("classes", [10, 100, 1000, 10000, 21841], classes => Job(Network(3, classes)));
        Axis("widths", [1, 3, 5, 7], count => Job(resnet20) with
        {
            Limit = 256,
            Bits = count switch { 1 => [4], 3 => [2, 4, 8], 5 => PipelineOptions.DefaultBits, _ => [2, 3, 4, 5, 6, 7, 8] },
        });
        Directory.Delete(folder, recursive: true);
        return 0;
    }

    private static PipelineOptions Job(string model) => new()
    {
        Model = model,
        Images = SharedInstances.Locate("data/cifar10/calibration"),
        Preprocessing = Preprocessing.Parse("imagenet"),
        Limit = Images,
    };

    private static void Table(string axis, int[] sizes, Func<int, PipelineOptions> options)
    {
        Console.WriteLine($"\n| {axis} | a full pass, CPU s | {string.Join(" | ", Columns.Select(c => c.Title))} "
            + "| the rest | all, CPU s | full passes | peak memory, MiB |\n|---|---|---|---|---|---|---|---|---|---|");
        var rows = sizes.Select(size =>
        {
            var job = WholeJobBenchmark.Measure(options(size), "4bit");
            double[] columns = [.. Columns.Select(column => job.Stages
                .Where(stage => column.Beginnings.Any(stage.Name.StartsWith)).Sum(stage => stage.Cpu))];
            double[] all = [job.Pass, .. columns, job.Cpu - columns.Sum(), job.Cpu, job.Cpu / job.Pass, job.PeakBytes >> 20];
            Console.WriteLine(Row(Invariant($"{size}"), all));
            return all;
        }).ToArray();
        var exponents = Enumerable.Range(0, rows[0].Length).Select(i => Exponent(sizes, [.. rows.Select(row => row[i])]));
        Console.WriteLine(Row("exponent", exponents));
    }

    private static string Row(string name, IEnumerable<double> values) =>
        $"| {name} | {string.Join(" | ", values.Select(value => Invariant($"{value:#,0.##}")))} |";

    /// <summary>The slope of a line of least squares through the logarithms.</summary>
    private static double Exponent(int[] sizes, double[] values)
    {
        double[] x = [.. sizes.Select(size => Math.Log(size))], y = [.. values.Select(value => Math.Log(value))];
        double meanX = x.Average(), meanY = y.Average();
        return x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum() / x.Sum(a => (a - meanX) * (a - meanX));
    }
}
