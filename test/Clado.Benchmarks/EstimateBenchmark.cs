using System.Diagnostics;
using System.Globalization;
using Clado.Images;
using Clado.Tuning;

namespace Clado.Benchmarks;

/// <summary>How long a default <c>quantize</c> was said to take, before it began and on its way, and how long it took.</summary>
internal static class EstimateBenchmark
{
    private static readonly double[] Parts = [0, 0.05, 0.1, 0.25, 0.5, 0.75];

    /// <summary>Runs on the networks named, and on the sample; a number of images may stand among them.</summary>
    public static int Run(string[] parts)
    {
        int? images = parts.Select(part => int.TryParse(part, out int count) ? count : (int?)null).FirstOrDefault(count => count > 0);
        Console.WriteLine($"| network | images | clock, s |{string.Concat(Parts.Select(part => Text($" said at {part:0 %}, s |")))}");
        Console.WriteLine($"|---|---|---|{string.Concat(Parts.Select(_ => "---|"))}");
        if (parts.Contains("sample"))
        {
            const string samples = "samples";
            One(Path.Combine(samples, "resnet20.onnx"), Path.Combine(samples, "images/calibration"),
                Path.Combine(samples, "preprocessing.json"), "3bit", images, parts.Contains("stages"));
        }
        foreach (var network in parts.Any(part => part.Contains('_', StringComparison.Ordinal)) ? SharedNetwork.Named(parts) : [])
        {
            One(
                SharedInstances.Locate($"models/{network.Model}.onnx"), SharedInstances.Locate($"data/{network.Images}"),
                network.Preprocess, network.Budget, images, parts.Contains("stages"));
        }
        return 0;
    }

    private static void One(string model, string folder, string preprocess, string budget, int? images, bool showsStages)
    {
        var scratch = Directory.CreateTempSubdirectory("clado-estimate").FullName;
        var prepared = PreparedRun.Of(new()
        {
            Model = model,
            Images = folder,
            Preprocessing = Preprocessing.Parse(preprocess),
            Limit = images ?? PipelineOptions.DefaultLimit,
            Run = Path.Combine(scratch, "run"),
        });
        var log = new Log();
        var job = prepared.WholeJob(log);
        var run = prepared.Measure(job);
        var choice = run.Allocate(budget, progress: job);
        using (var deployment = run.Deploy(choice, Path.Combine(scratch, "out.onnx"), evaluate: true, progress: job))
        {
            run.MeasureBiases(deployment.Model.Allocation, job);
            run.UniformAround(deployment.Model.SizeBytes, job);
        }
        double end = log.Clock.Elapsed.TotalSeconds;
        string Said(double part) => log.Points.LastOrDefault(p => p == log.Points[0] || p.Time <= part * end) is { Left: { } left } p
            ? Text($" {p.Time + left.TotalSeconds:0.0} |") : " – |";
        Console.WriteLine(Text($"| {Path.GetFileNameWithoutExtension(model)} | {prepared.Images.Items.Count} | {end:0.0} |")
            + string.Concat(Parts.Select(Said)));
        if (showsStages)
        {
            var planned = prepared.JobStages(null, new(false, true, TuningOptions.None), compares: true);
            foreach (var (name, seconds) in log.Stages(end))
            {
                var stage = planned.FirstOrDefault(own => own.Name == name);
                Console.WriteLine(Text(
                    $"  {name}: {seconds:0.00} s, {stage?.Kind} cost {stage?.Cost:0.00}, {seconds / stage?.Cost:0.000} s for 1"));
            }
        }
        Directory.Delete(scratch, recursive: true);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class Log : IProgress<StageProgress>
    {
        private readonly List<(string Name, double Time)> begun = [];

        public Stopwatch Clock { get; } = Stopwatch.StartNew();

        public List<(double Time, TimeSpan? Left)> Points { get; } = [];

        public void Report(StageProgress value)
        {
            lock (begun)
            {
                double now = Clock.Elapsed.TotalSeconds;
                if (value.Job is { } job)
                {
                    Points.Add((now, job.Left));
                }
                if (value.Share is not null && (begun.Count == 0 || begun[^1].Name != value.Stage))
                {
                    begun.Add((value.Stage, now));
                }
            }
        }

        /// <summary>Seconds of each stage, in order. Shape: [stages].</summary>
        public IEnumerable<(string Name, double Seconds)> Stages(double end) =>
            begun.Select((stage, i) => (stage.Name, (i + 1 < begun.Count ? begun[i + 1].Time : end) - stage.Time));
    }
}
