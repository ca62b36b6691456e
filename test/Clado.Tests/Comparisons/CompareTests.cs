using System.Text.Json;
using Clado.Comparisons;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using Clado.Tuning;
using Xunit;
using static System.FormattableString;

namespace Clado.Tests.Comparisons;

public class CompareTests
{
    private static readonly string[] Quick =
        ["weight-error", "parameters", "random", "mixquant", "fit", "diagonal", "fisher", "auto", "ompq"];

    [Fact]
    public void EveryRowIsWhatItsFileMeasuresAndItsBudgetAllows()
    {
        using var folder = new TemporaryFolder();
        var (model, _, test, command) = Prepared(folder);
        var rows = Rows([.. command, "--rounds", "4", "--metrics", string.Join(',', Quick), "-o", folder["c.csv"], "--json"]);
        Assert.Equal(2 * Quick.Length, rows.Length);
        foreach (var budget in rows.GroupBy(Budget))
        {
            double bits = double.Parse(budget.Key[..^3], System.Globalization.CultureInfo.InvariantCulture);
            double[] losses = [.. budget.Select(row => Number(row, "loss"))];
            Assert.Equal(losses.Order(), losses);
            Assert.All(budget, row => Assert.True(Number(row, "bitsPerWeight") <= bits));
            Assert.All(budget, row => Assert.Equal(Number(row, "loss") - losses[0], Number(row, "regret"), 1e-9));
            var random = budget.Single(row => Name(row) == "random");
            Assert.InRange(Number(random, "loss"), Number(random, "lossLow"), Number(random, "lossHigh"));
            Assert.All(budget.Where(row => Name(row) is "fit" or "weight-error"), row => Assert.Equal(0, Number(row, "gap")));
        }
        // The choice of auto is the one allocate makes, and its row what evaluate says of the exported file.
        Assert.Equal(0, Harness.Command("export", "--run", folder["run"], "--budget", "3bit", "-o", folder["x.onnx"]).Code);
        var own = rows.Single(row => Name(row) == "auto" && Budget(row) == "3bit");
        Assert.Equal(new FileInfo(folder["x.onnx"]).Length, own.GetProperty("sizeBytes").GetInt64());
        string[] evaluate = ["evaluate", folder["x.onnx"], "--images", test, "--preprocess", "unit", "--reference", model];
        var evaluated = Harness.Command([.. evaluate, "--json"]);
        using var alone = JsonDocument.Parse(evaluated.Output);
        Assert.Equal(alone.RootElement.GetProperty("top1").GetDouble(), own.GetProperty("top1").GetDouble());
        Assert.Equal(alone.RootElement.GetProperty("lossIncrease").GetDouble(), own.GetProperty("loss").GetDouble(), 1e-9);
        Assert.Equal(
            rows.Select(row => (Name(row), row.GetProperty("sizeBytes").ToString())),
            File.ReadAllLines(folder["c.csv"]).Skip(1).Select(line => line.Split(',')).Select(cells => (cells[0], cells[2])));
    }

    [Fact]
    public void ARerunMeasuresNothingAndMoreMetricsGoOn()
    {
        using var folder = new TemporaryFolder();
        var (_, _, _, command) = Prepared(folder);
        var some = Rows([.. command, "--metrics", "fit,random", "--json"]);
        var kept = Directory.GetFiles(folder["run"], "comparison-*.json").Single();
        // With other threads the rest comes out the same, seconds included: they are those of the measurement.
        Assert.Equal(Texts(some), Texts(Rows([.. command, "--metrics", "fit,random", "--threads", "1", "--json"])));
        var more = Rows([.. command, "--metrics", "fit,random,hawq-trace", "--json"]);
        Assert.Equal(6, more.Length);
        foreach (var row in some)
        {
            var same = more.Single(other => (Name(other), Budget(other)) == (Name(row), Budget(row)));
            foreach (var key in (string[])["loss", "sizeBytes", "allocation", "passes", "seconds"])
            {
                Assert.Equal(row.GetProperty(key).ToString(), same.GetProperty(key).ToString());
            }
        }
        FolderDamager.Forge(folder["run"], Path.GetFileName(kept), "{"u8.ToArray());
        var report = Harness.Command("report", "--run", folder["run"]);
        Assert.Equal(2, report.Code);
        Assert.Contains("is no comparison", report.Error, StringComparison.Ordinal);
    }

    /// <summary>Stopped after any report of progress, it goes on to the same choices and losses.</summary>
    [Theory]
    [InlineData("fit,hawq,zeroq,random", TuningMethod.None)]
    [InlineData("fit,parameters", TuningMethod.Network)]
    public void AStopKeepsWhatIsFinished(string metrics, TuningMethod tune)
    {
        using var folder = new TemporaryFolder();
        var (model, images, test, _) = Prepared(folder);
        ComparisonOptions options = new() { Budgets = ["2.5bit", "3bit"], Metrics = metrics.Split(','), Images = test, Tune = tune };
        MeasuredRun Measured(string run) => Pipeline.Measure(new PipelineOptions
        {
            Model = model,
            Images = images,
            Preprocessing = Preprocessing.Parse("unit"),
            Estimator = "additive",
            Run = folder[run],
        }, cancellation: TestContext.Current.CancellationToken);
        string Result(Comparison comparison) => string.Join('\n', comparison.Rows.Select(row =>
            Invariant($"{row.Metric} {row.Budget} {row.Loss:R} {string.Concat(row.Allocation)} {row.Passes:R}")));
        var log = new ProgressLog();
        string whole = Result(Measured("whole").Compare(options, log, TestContext.Current.CancellationToken).Comparison);
        Assert.Contains(log.Shares, report =>
            report is { Stage: "metric fit", Job.ToCome: [.., "evaluating choices" or "tuning and evaluating choices"] });
        Assert.Contains(log.Shares, report => report.Job!.Left is not null);
        Assert.Equal(1, log.Last.Share);
        var run = Measured("stopped");
        int stops = 0;
        for (int at = 3; at < log.Shares.Count; at += log.Shares.Count / 6)
        {
            using var stop = new CancellationTokenSource();
            try
            {
                run.Compare(options, new StopAt(at, stop), stop.Token);
            }
            catch (OperationCanceledException)
            {
                stops++;
            }
        }
        Assert.True(stops > 0);
        Assert.Equal(whole, Result(run.Compare(options, null, TestContext.Current.CancellationToken).Comparison));
    }

    /// <summary>
    /// Every choice is tuned as export tunes it; a stop keeps what is finished, and a comparison without tuning in the same folder is left
    /// alone.
    /// </summary>
    [Fact]
    public void ChoicesAreTunedAsExportTunesThem()
    {
        using var folder = new TemporaryFolder();
        var (model, _, test, command) = Prepared(folder);
        string[] metrics = ["--metrics", "fit,parameters", "--budgets", "2.5bit", "--rounding", "nearest"];
        string[] some = [.. command.Where(word => word != "--budgets" && word != "2.5bit,3bit"), .. metrics, "--json"];
        var plain = Rows(some);
        var tuned = Rows([.. some, "--tune", "network"]);
        Assert.Equal(Texts(plain.Select(row => row.GetProperty("allocation"))), Texts(tuned.Select(row => row.GetProperty("allocation"))));
        Assert.Equal(Texts(tuned), Texts(Rows([.. some, "--tune", "network", "--threads", "1"])));
        Assert.Equal(2, Directory.GetFiles(folder["run"], "comparison-*.json").Length);
        Assert.All(tuned, row => Assert.True(
            Number(row, "loss") < Number(plain.Single(other => Name(other) == Name(row)), "loss"), row.ToString()));
        // What it took is the same: tuning is no cost of a metric.
        Assert.Equal(plain.Select(row => Number(row, "passes")).Order(), tuned.Select(row => Number(row, "passes")).Order());
        var few = Harness.Command(
            "compare", model, "--images", Harness.Images(folder, "few", 1), "--preprocess", "unit", "--activations", "float", "--run",
            folder["other"], "--evaluate", test, "--budgets", "3bit", "--tune", "network");
        Assert.Equal(2, few.Code);
        Assert.Contains("--tune network: 16 images are needed at least", few.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["other"]));
    }

    /// <summary>Measuring and comparing are one job: its share never falls, and what is to come is known from the start.</summary>
    [Fact]
    public void OneJobTellsHowFarAllOfItIs()
    {
        using var folder = new TemporaryFolder();
        var (model, images, test, _) = Prepared(folder);
        var prepared = PreparedRun.Of(new PipelineOptions
        {
            Model = model,
            Images = images,
            Preprocessing = Preprocessing.Parse("unit"),
            Run = folder["run"],
        });
        ComparisonOptions options = new() { Budgets = ["2.5bit"], Metrics = ["fit", "auto"], Images = test };
        var log = new ProgressLog();
        var job = prepared.ComparisonJob(log, options);
        var (comparison, _) = prepared.Measure(job, TestContext.Current.CancellationToken)
            .Compare(options, job, TestContext.Current.CancellationToken);
        var shares = log.Shares.Where(report => report.Job is not null).ToArray();
        Assert.Contains("evaluating choices", shares[0].Job!.ToCome);
        Assert.Contains("metric fit", shares[0].Job!.ToCome);
        double[] whole = [.. shares.Select(report => report.Job!.Share)];
        Assert.Equal(whole.Order(), whole);
        Assert.True(shares.First(report => report.Stage == "metric fit").Job!.Share < 1);
        Assert.Equal(1, whole[^1]);
        Assert.Equal(comparison.Metrics.Sum(metric => metric.Passes), comparison.Passes, 1e-6);
        Assert.ThrowsAny<CladoException>(() => prepared.ComparisonJob(log, options with { Images = folder["missing"] }));
    }

    /// <summary>What several metrics need is measured once: each says what it would take alone, and all together what they took.</summary>
    [Fact]
    public void WhatSeveralNeedCountsOnce()
    {
        using var folder = new TemporaryFolder();
        var (model, images, test, _) = Prepared(folder);
        var run = Pipeline.Measure(
            new PipelineOptions { Model = model, Images = images, Preprocessing = Preprocessing.Parse("unit"), Run = folder["run"] },
            cancellation: TestContext.Current.CancellationToken);
        Comparison At(string[] budgets, params string[] metrics) => run.Compare(
            new() { Budgets = budgets, Metrics = metrics, Images = test }, null, TestContext.Current.CancellationToken).Comparison;
        Comparison Compared(params string[] metrics) => At(["2.5bit", "3bit"], metrics);
        double Alone(string metric) => Compared(metric).Passes;
        double forward = Alone("diagonal"), traces = Alone("hawq-trace"), gradients = Alone("fit");
        var together = Compared("diagonal", "additive", "speech-kl", "hawq-trace", "speech-trace", "fit");
        Assert.Equal(forward + traces + gradients, together.Passes, 1e-6);
        double Expected(string metric) =>
            metric == "fit" ? gradients : metric.EndsWith("trace", StringComparison.Ordinal) ? traces : forward;
        Assert.All(together.Metrics, metric => Assert.Equal(Expected(metric.Name), metric.Passes, 1e-6));
        // A search at two budgets takes less than two: the run's own measurement, and what both of them try, is there once.
        double first = At(["2.5bit"], "auto").Passes, second = At(["3bit"], "auto").Passes;
        Assert.InRange(Alone("auto"), Math.Max(first, second), first + second);
    }

    [Fact]
    public void WhatCannotWorkSaysWhyAndTheOthersGoOn()
    {
        using var folder = new TemporaryFolder();
        // No gradient goes through an LSTM.
        var net = NetworkBuilder.SmallClassifier(classes: 8);
        net.Weight("r", 1, 32, 8);
        net.Weight("h", 1, 32, 8);
        net.Model.Graph.Initializer.Add(TensorData.Integers("steps", [1, -1, 8], 3));
        net.Model.Graph.Initializer.Add(TensorData.Integers("flat", [-1, 8], 2));
        net.Then("Reshape", "sequence", ["steps"]).Then("LSTM", "l", ["r", "h"], NodeExtensions.Attribute("hidden_size", 8));
        OnnxFile.Write(net.Then("Reshape", "y", ["flat"]).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 2);
        string[] measured =
        [
            "compare", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--activations", "float", "--run", folder["run"],
            "--estimator", "additive",
        ];
        string[] command = [.. measured, "--budgets", "3bit,900"];
        var (code, output, error) = Harness.Command([.. command, "--metrics", "auto,fit,parameters"]);
        Assert.Equal(1, code);
        Assert.Contains("--budget 900: no choice of these widths is that small", error, StringComparison.Ordinal);
        Assert.Contains("auto: not compared: the run was measured with --estimator additive", error, StringComparison.Ordinal);
        Assert.Contains("fit: not compared: it wants gradients", error, StringComparison.Ordinal);
        Assert.Contains("LSTM", error, StringComparison.Ordinal);
        Assert.Contains("parameters", output, StringComparison.Ordinal);
        var unknown = Harness.Command([.. command, "--metrics", "fit,unheard-of"]);
        Assert.Equal(2, unknown.Code);
        Assert.Contains("--metrics unheard-of: there is no such metric", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(2, Harness.Command([.. command, "--evaluate-limit", "3"]).Code);
        Assert.Contains("not a budget", Harness.Command([.. measured, "--budgets", "3bit,x"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryMetricSaysWhereItComesFrom()
    {
        Assert.Equal(ComparisonOptions.KnownMetrics.Count, ComparisonOptions.KnownMetrics.Distinct().Count());
        Assert.All(PipelineOptions.Estimators, name => Assert.Contains(name, ComparisonOptions.KnownMetrics));
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs/comparison.md"));
        Assert.All(Clado.Metrics.MetricRegistry.All, metric =>
        {
            Assert.NotEmpty(metric.Description);
            Assert.NotEmpty(metric.Source);
            Assert.Contains($"| `{metric.Name}` |", document, StringComparison.Ordinal);
        });
    }

    private static (string Model, string Images, string Test, string[] Command) Prepared(TemporaryFolder folder)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var (images, test) = (Harness.Images(folder, "images", 3), Harness.Images(folder, "test", 4, seed: 4));
        return (folder["model.onnx"], images, test,
        [
            "compare", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--evaluate", test, "--activations", "float",
            "--budgets", "2.5bit,3bit", "--run", folder["run"],
        ]);
    }

    private static JsonElement[] Rows(params string[] command)
    {
        var (code, output, error) = Harness.Command(command);
        Assert.True(code == 0, error);
        return [.. JsonDocument.Parse(output).RootElement.EnumerateArray()];
    }

    private static string[] Texts(IEnumerable<JsonElement> rows) => [.. rows.Select(row => row.ToString())];

    private static double Number(JsonElement row, string key) => row.GetProperty(key).GetDouble();

    private static string Budget(JsonElement row) => row.GetProperty("budget").GetString()!;

    private static string Name(JsonElement row) => row.GetProperty("metric").GetString()!;

    /// <summary>Stops at a report of progress.</summary>
    private sealed class StopAt(int report, CancellationTokenSource stop) : IProgress<StageProgress>
    {
        private int count;

        public void Report(StageProgress value)
        {
            if (Interlocked.Increment(ref count) == report)
            {
                stop.Cancel();
            }
        }
    }
}
