using System.Diagnostics;
using System.Globalization;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;

namespace Clado.Benchmarks;

/// <summary>
/// The whole of a default <c>quantize</c>, stage by stage: processor time in full passes of the float network over the images of the run.
/// </summary>
internal static class WholeJobBenchmark
{
    // What the unit is timed on, several times.
    private const int ImagesOfAPass = 64;

    private const long MemoryBytes = 4L << 30;

    /// <summary>
    /// Runs on the networks named (without: resnet20), and on files of networks with a folder <c>images</c> beside them, or else with the
    /// photographs; a number of images and a provider may stand among them.
    /// </summary>
    public static int Run(string[] parts)
    {
        var provider = parts.Contains("cuda") ? Provider.Cuda : Provider.Cpu;
        int? images = parts.Select(part => int.TryParse(part, out int count) ? count : (int?)null).FirstOrDefault(count => count > 0);
        foreach (var model in parts.Where(File.Exists))
        {
            var own = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(model))!, "images");
            var folder = Directory.Exists(own) ? own : SharedInstances.Locate("data/photos");
            Whole(model, folder, ("imagenet", "4bit"), images, provider);
        }
        bool isNamed = parts.Any(part => part.Contains('_', StringComparison.Ordinal) || File.Exists(part));
        foreach (var network in SharedNetwork.Named(isNamed ? parts : []))
        {
            Whole(
                SharedInstances.Locate($"models/{network.Model}.onnx"), SharedInstances.Locate($"data/{network.Images}"),
                (network.Preprocess, network.Budget), images, provider);
        }
        return 0;
    }

    private static void Whole(string model, string folder, (string Preprocess, string Budget) asked, int? images, Provider provider)
    {
        var (preprocess, budget) = asked;
        var job = Measure(
            new PipelineOptions
            {
                Model = model,
                Images = folder,
                Preprocessing = Preprocessing.Parse(preprocess),
                Limit = images ?? PipelineOptions.DefaultLimit,
                Resources = provider == Provider.Cuda ? new() : new() { MemoryBytes = MemoryBytes },
                Provider = provider,
            },
            budget);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\n### {Path.GetFileNameWithoutExtension(model)}, {job.Images} images, {budget}: a full pass is {job.Pass:0.00} CPU s; "
            + $"peak memory {job.PeakBytes >> 20:N0} MiB\n\n"
            + $"| stage | CPU s | clock, s | full passes | share |\n|---|---|---|---|---|"));
        foreach (var (name, cpu, clock) in job.Stages.Append(("all", job.Cpu, job.Stages.Sum(stage => stage.Clock))))
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {name} | {cpu:0.00} | {clock:0.0} | {cpu / job.Pass:0.0} | {cpu / job.Cpu:0 %} |"));
        }
    }

    /// <summary>Runs a whole job in a run folder of its own.</summary>
    /// <param name="asked">Its options but for the folder.</param>
    /// <param name="budget">The size.</param>
    public static WholeJobTimes Measure(PipelineOptions asked, string budget)
    {
        var scratch = Directory.CreateTempSubdirectory("clado-whole").FullName;
        var options = asked with { Run = Path.Combine(scratch, "run") };
        var set = ImageFolder.Open(options.Images).Limit(options.Limit, options.Seed);
        var stages = new StageTimes();
        var some = set.Limit(Math.Min(ImagesOfAPass, set.Items.Count), 0);
        double[] Passes()
        {
            using var full = new MeasuringBenchmark.FullPass(Graph.Read(options.Model), some, options.Preprocessing);
            return full.Times();
        }
        var before = Passes();
        ForgetPeak();
        Job(options, budget, Path.Combine(scratch, "out.onnx"), stages);
        using var process = Process.GetCurrentProcess();
        long peak = process.PeakWorkingSet64;
        double pass = MeasuringBenchmark.FullPass.Median(before, Passes()) * set.Items.Count / some.Items.Count;
        Directory.Delete(scratch, recursive: true);
        return new WholeJobTimes(set.Items.Count, pass, peak, stages.All);
    }

    // The peak that Linux keeps of a process starts again at what it holds now; elsewhere it is that of the passes too.
    private static void ForgetPeak()
    {
        GC.Collect();
        if (File.Exists("/proc/self/clear_refs"))
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
    }

    /// <summary>What <c>quantize</c> does, but for the terminal.</summary>
    private static void Job(PipelineOptions options, string budget, string output, StageTimes stages)
    {
        stages.Begin("reading the model");
        var prepared = PreparedRun.Of(options);
        prepared.CheckLabels();
        prepared.Try(budget, null);
        var job = prepared.WholeJob(stages);
        stages.Begin("run folder");
        var run = prepared.Measure(job);
        stages.Begin("choosing bits");
        var choice = run.Allocate(budget, progress: job);
        stages.Begin("writing");
        using (var deployment = run.Deploy(choice, output, evaluate: true, progress: job))
        {
            var model = deployment.Commit();
            stages.Begin("measuring biases");
            run.MeasureBiases(model.Allocation, job);
            stages.Begin("uniform widths");
            run.UniformAround(model.SizeBytes, job);
        }
        stages.Begin("");
    }

    /// <summary>Processor and wall-clock time between the beginnings of stages; stages of one name are added up.</summary>
    private sealed class StageTimes : IProgress<StageProgress>
    {
        private readonly List<(string Name, double Cpu, double Clock)> times = [];
        private readonly Stopwatch watch = Stopwatch.StartNew();
        private string? current;
        private TimeSpan cpu;

        public IReadOnlyList<(string Name, double Cpu, double Clock)> All => times;

        public void Report(StageProgress value)
        {
            if (value.Share is not null)
            {
                Begin(value.Stage);
            }
        }

        public void Begin(string stage)
        {
            lock (times)
            {
                if (stage == current)
                {
                    return;
                }
                var now = Cpu();
                if (!string.IsNullOrEmpty(current))
                {
                    int known = times.FindIndex(time => time.Name == current);
                    var (before, clock) = known < 0 ? (0, 0) : (times[known].Cpu, times[known].Clock);
                    var sum = (current, before + (now - cpu).TotalSeconds, clock + watch.Elapsed.TotalSeconds);
                    if (known < 0)
                    {
                        times.Add(sum);
                    }
                    else
                    {
                        times[known] = sum;
                    }
                }
                (current, cpu) = (stage, now);
                watch.Restart();
            }
        }

        private static TimeSpan Cpu()
        {
            using var process = Process.GetCurrentProcess();
            return process.TotalProcessorTime;
        }
    }
}

/// <summary>What a whole job took.</summary>
/// <param name="Images">Images.</param>
/// <param name="Pass">Processor seconds of a pass of the float network over them.</param>
/// <param name="PeakBytes">The most memory that was held.</param>
/// <param name="Stages">Seconds of processor time and by the clock.</param>
internal sealed record WholeJobTimes(int Images, double Pass, long PeakBytes, IReadOnlyList<(string Name, double Cpu, double Clock)> Stages)
{
    /// <summary>Processor seconds of all.</summary>
    public double Cpu => Stages.Sum(stage => stage.Cpu);
}
