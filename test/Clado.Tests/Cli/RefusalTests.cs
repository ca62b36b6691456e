using Clado.Onnx;
using Clado.Tests.Support;
using Google.Protobuf;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>What can be known before measuring is refused before: exit code 2, one line, and nothing is left behind or changed.</summary>
public sealed class RefusalTests(RefusalTests.Files files) : IClassFixture<RefusalTests.Files>
{
    // Every file of the fixture stands under its name in braces; '' is an empty word.
    private const string Quantize = "quantize {model} --images {images} --preprocess unit --run {new} --budget 3bit -o {out}";
    private const string Measure = "measure {model} --images {images} --preprocess unit --run {new}";
    private const string QuantizeTo = "quantize {model} --images {images} --preprocess unit --run {new} -b 3bit -o";
    private const string QuantizeExternal = "quantize {external} --images {images} --preprocess unit --run {new} -b 3bit -o";
    private const string Allocate = "allocate --run {run} --budget 3bit";
    private const string Export = "export --run {run} --budget 3bit";
    private const string Sweep = "sweep --run {run}";
    private const string Evaluate = "evaluate {model} --images {images} --preprocess unit";

    [Theory]
    // Budgets and limits.
    [InlineData("quantize {model} --images {images} --preprocess unit --run {new} -o {out} --budget many", "--budget many: not a budget")]
    [InlineData("quantize {model} --images {images} --preprocess unit --run {new} -o {out} --budget 0", "--budget 0: not a budget")]
    [InlineData("quantize {model} --images {images} --preprocess unit --run {new} -o {out} --budget -5", "--budget")]
    [InlineData("quantize {model} --images {images} --preprocess unit --run {new} -o {out} --budget 1,5MB", "--budget 1,5MB: not a budget")]
    [InlineData("quantize {model} --images {images} --preprocess unit --run {new} -o {out} --budget ''", "--budget \"\": is empty")]
    [InlineData(Quantize + " --max-bitops 0", "--max-bitops 0: more than 0")]
    [InlineData(Quantize + " --max-bitops -7", "--max-bitops -7: more than 0")]
    [InlineData(Quantize + " --max-bitops many", "--max-bitops many: a whole number")]
    [InlineData(Quantize + " --max-cost 5", "--max-cost: which costs?")]
    [InlineData(Quantize + " --cost-table {costs}", "--cost-table: the most its costs may add up to is missing")]
    [InlineData(Quantize + " --cost-table {costs} --max-cost -1", "--max-cost -1: 0 to 2^53")]
    [InlineData(Quantize + " --cost-table {costs} --max-cost 5", "no cost of layer")]
    [InlineData(Quantize + " --cost-table {fifo} --max-cost 5", "is no regular file")]
    [InlineData(Quantize + " --cost-table {nowhere} --max-cost 5", "no such file")]
    [InlineData(Quantize + " --cost-table {images} --max-cost 5", "is a folder")]
    [InlineData(Quantize + " --same-bits nope", "no searched layer is called 'nope'")]
    [InlineData(Quantize + " --same-bits *c1,*c2 --pin *c1=2 --pin *c2=4", "have no width in common")]
    [InlineData(Quantize + " --rounds -1", "--rounds -1: 0 or more")]
    [InlineData(Quantize + " --rounds 99999999999", "--rounds 99999999999: the number is too large")]
    // What is measured, and how.
    [InlineData(Measure + " --bits 1,2", "--bits 1,2: widths from 2 to 8")]
    [InlineData(Measure + " --bits two", "--bits two: a list such as")]
    [InlineData(Measure + " --bits ''", "--bits \"\": is empty")]
    [InlineData(Measure + " --pin nope=4", "--pin nope=4: no layer is called that")]
    [InlineData(Measure + " --pin *=float", "nothing is left to quantize")]
    [InlineData(Measure + " --pin *c1=9", "--pin *c1=9: NAME=BITS")]
    [InlineData(Measure + " --limit 0", "--limit 0: at least 1")]
    [InlineData(Measure + " --limit some", "--limit some: a whole number")]
    [InlineData(Measure + " --seed 1.5", "--seed 1.5: a whole number")]
    [InlineData(Measure + " --threads 0", "--threads 0: 1 to 1024")]
    [InlineData(Measure + " --memory much", "--memory much: a number of bytes")]
    [InlineData(Measure + " --memory 10MB", "needs at least")]
    [InlineData(Measure + " --rounding nearest --memory 10MB", "measuring needs at least")]
    [InlineData(Measure + " --estimator magic", "--estimator magic")]
    [InlineData(Measure + " --opset 22", "--opset 22")]
    [InlineData(Measure + " --run-timeout 0", "--run-timeout 0: 0.001 to")]
    [InlineData(Measure + " --run-timeout soon", "--run-timeout soon: 0.001 to")]
    [InlineData(Measure + " --input nope", "has no input 'nope'")]
    [InlineData(Measure + " --set nope=1", "has no input 'nope'")]
    [InlineData(Measure + " --set x", "--set x: NAME=VALUE")]
    [InlineData("measure {model} --images {images} --run {new} --preprocess fancy", "fancy: is neither a preset")]
    [InlineData("measure {model} --images {images} --run {new} --preprocess {fifo}", "is no regular file")]
    [InlineData("measure {gray} --images {images} --run {new}", "the model takes 1 channel, the preprocessing has 3 values of mean")]
    [InlineData(
        "measure {model} --images {images} --run {new} --preprocess {two}",
        "the model takes 3 channels, the preprocessing has 2 values of std")]
    [InlineData("measure {flat} --images {images} --preprocess unit --run {new}", "images of 1, 3 or 4 channels are understood")]
    [InlineData("measure {model} --images {images} --preprocess unit --run {new} --size 16", "--size 16x16 does not fit it")]
    [InlineData("inspect {model} --size wide", "--size wide: height and width such as 480x640")]
    [InlineData("inspect {model} --input-shape N,3,0,8", "--input-shape N,3,0,8: dimensions such as N,3,480,640")]
    [InlineData("measure {dense} --images {images} --preprocess unit --run {new} --loss kl", "loss 'kl' wants scores of classes")]
    [InlineData("measure {dense} --images {images} --preprocess unit --run {new} --task classify", "--task classify wants one vector")]
    [InlineData("inspect {model} --task segment", "--task segment wants scores of classes at every place")]
    [InlineData("measure {model} --images {unlabelled} --preprocess unit --run {new} --loss ce", "loss 'ce' wants labels")]
    [InlineData("quantize {five} --images {images} --preprocess unit --run {new} -b 3bit -o {out}", "class 5 is not among the model's 5")]
    [InlineData("measure {five} --images {images} --preprocess unit --run {new} --loss ce", "class 5 is not among the model's 5")]
    [InlineData("measure {model} --images {nowhere} --run {new}", "no such folder")]
    [InlineData("measure {model} --images {model} --run {new}", "is a file; give the folder")]
    [InlineData("measure {model} --images '' --run {new}", "--images \"\": is empty")]
    [InlineData("measure {model} --images {pipes} --preprocess unit --run {new}", "is no regular file")]
    [InlineData("measure {fifo} --images {images} --run {new}", "is no regular file")]
    [InlineData("measure /dev/zero --images {images} --run {new}", "is no regular file")]
    [InlineData("measure {images} --images {images} --run {new}", "is a folder")]
    [InlineData("measure '' --images {images} --run {new}", "MODEL.onnx \"\": is empty")]
    // Where it is kept.
    [InlineData("measure {model} --images {images} --preprocess unit --run ''", "--run \"\": is empty")]
    [InlineData("measure {model} --images {images} --preprocess unit --run {model}", "is a file, no folder")]
    [InlineData("measure {model} --images {images} --preprocess unit --run {model}/run", "is a file, no folder")]
    [InlineData("measure {model} --images {images} --preprocess unit --run {images}/run", "would lie among the class folders")]
    [InlineData("measure {model} --images {images} --preprocess unit --run /proc/run", "nothing can be written in /proc")]
    [InlineData(QuantizeTo + " ''", "--output \"\": is empty")]
    [InlineData(QuantizeTo + " {images}", "is a folder; give a file in it")]
    [InlineData(QuantizeTo + " {nowhere}/", "is a folder; give a file in it")]
    [InlineData(QuantizeTo + " {model}", "is the float model itself")]
    [InlineData(QuantizeTo + " {images}/../model.onnx", "is the float model itself")]
    [InlineData(QuantizeTo + " {link}", "is the float model itself")]
    [InlineData(QuantizeTo + " {twin}/model.onnx", "is the float model itself")]
    [InlineData(QuantizeTo + " {model}/out.onnx", "is a file, no folder")]
    [InlineData(QuantizeTo + " /proc/out.onnx", "nothing can be written in /proc")]
    [InlineData(QuantizeTo + " /proc/below/out.onnx", "nothing can be written in /proc")]
    [InlineData(QuantizeTo + " {fifo}", "is no regular file")]
    [InlineData(QuantizeTo + " {images}/labels.csv", "would be one of the images")]
    [InlineData(QuantizeTo + " {images}/0/000.png", "would be one of the images")]
    [InlineData(QuantizeTo + " {new}/run.json", "is a file of the run folder itself")]
    [InlineData("quantize {model} --images {images} --preprocess {one} --run {new} -b 3bit -o {one}", "that is read, which would be lost")]
    [InlineData(QuantizeExternal + " {weights}", "holds the weights of the float model")]
    [InlineData(QuantizeExternal + " {twin}/external/w.bin", "holds the weights of the float model")]
    [InlineData(QuantizeTo + " {dangling}", "dangling.onnx: no such file (a link to /nowhere.onnx)")]
    [InlineData(QuantizeTo + " {circle}", "circle.onnx: no such file (a link to ")]
    [InlineData("measure {model} --images {dangles} --preprocess unit --run {new}", "2.png: no such file (a link to /nowhere.png)")]
    [InlineData("measure {dangling} --images {images} --preprocess unit --run {new}", "no such file (a link to /nowhere.onnx)")]
    // What is asked of a run that is measured.
    [InlineData("export --run {externalrun} --budget 3bit -o {weights}", "holds the weights of the float model")]
    [InlineData("sweep --run {externalrun} -o {weights}", "holds the weights of the float model")]
    [InlineData("report --run {externalrun} -o {weights}", "holds the weights of the float model")]
    [InlineData("allocate --run {nowhere} --budget 3bit", "no run folder")]
    [InlineData("allocate --run '' --budget 3bit", "--run \"\": is empty")]
    [InlineData("allocate --run {run} --budget lots", "--budget lots: not a budget")]
    [InlineData(Allocate + " --max-bitops 0", "--max-bitops 0: more than 0")]
    [InlineData(Allocate + " --threads 5000", "--threads 5000: 1 to 1024")]
    [InlineData(Allocate + " --same-bits nope", "no searched layer")]
    [InlineData(Allocate + " --cost-table {costs} --max-cost 3", "no cost of layer")]
    [InlineData(Export + " -o {model}", "is the float model itself")]
    [InlineData(Export + " -o {link}", "is the float model itself")]
    [InlineData(Export + " -o {images}", "is a folder; give a file in it")]
    [InlineData(Export + " -o {run}/records.sqlite", "is a file of the run folder itself")]
    [InlineData(Export + " -o {images}/3/001.png", "would be one of the images")]
    [InlineData(Export + " -o /proc/out.onnx", "nothing can be written in /proc")]
    [InlineData(Export + " -o {out} --cost-table {costs} --max-cost 3", "no cost of layer")]
    [InlineData(Sweep + " --budgets 3bit,lots", "--budget lots: not a budget")]
    [InlineData(Sweep + " --budgets 3bit,", "--budget : not a budget")]
    [InlineData(Sweep + " --points 1", "--points 1: 2 to 1000")]
    [InlineData(Sweep + " --rounds -2", "--rounds -2: 0 or more")]
    [InlineData(Sweep + " --target-drop 101", "--target-drop 101: points of accuracy")]
    [InlineData(Sweep + " --target-drop NaN", "--target-drop NaN: points of accuracy")]
    [InlineData(Sweep + " --target-drop 0,5", "--target-drop 0,5: points of accuracy")]
    [InlineData(Sweep + " --target-drop 1 --budgets 3bit", "leave one of them out")]
    [InlineData(Sweep + " --limit 5", "--limit and --seed choose among the images of --evaluate")]
    [InlineData(Sweep + " --evaluate {nowhere}", "no such folder")]
    [InlineData(Sweep + " --evaluate {images} --limit 0", "--limit 0: at least 1")]
    [InlineData(Sweep + " --evaluate {pipes}", "is no regular file")]
    [InlineData(Sweep + " --evaluate {twelve}", "class 8 is not among the model's 8")]
    [InlineData(Sweep + " -o {images}", "is a folder; give a file in it")]
    [InlineData(Sweep + " -o {run}/layers.csv", "is a file of the run folder itself")]
    [InlineData(Sweep + " -o {model}", "is the float model itself")]
    [InlineData(Sweep + " -o /proc/curve.csv", "nothing can be written in /proc")]
    [InlineData("report --run {nowhere}", "no run folder")]
    [InlineData("report --run {run} -o {images}", "is a folder; give a file in it")]
    [InlineData("report --run {run} -o {model}", "is the float model itself")]
    [InlineData("report --run {run} -o {run}/run.json", "is a file of the run folder itself")]
    [InlineData("report --run {run} -o {out} --figures {model}", "is a file, no folder")]
    [InlineData("report --run {run} -o {out} --figures /proc/figures", "nothing can be written in /proc")]
    [InlineData("demo -o {model}", "is a file, no folder")]
    [InlineData("demo -o /proc/demo", "nothing can be written in /proc")]
    // A file on images.
    [InlineData(Evaluate + " --threads 0", "--threads 0: 1 to 1024")]
    [InlineData(Evaluate + " --limit 0", "--limit 0: at least 1")]
    [InlineData(Evaluate + " --reference {nowhere}", "no such file")]
    [InlineData(Evaluate + " --reference {fifo}", "is no regular file")]
    [InlineData(Evaluate + " --reference {five}", "differ in size from those of the reference")]
    [InlineData("evaluate {five} --images {images} --preprocess unit", "class 5 is not among the model's 5")]
    [InlineData("evaluate {gray} --images {images}", "the model takes 1 channel, the preprocessing has 3 values of mean")]
    [InlineData("inspect {fifo}", "is no regular file")]
    [InlineData("inspect {nowhere}", "no such file")]
    [InlineData("inspect {model} --run-timeout -1", "--run-timeout -1: 0.001 to")]
    [InlineData("inspect {model} --run-timeout 1e-9", "--run-timeout 1e-9: 0.001 to")]
    public void BadInputIsRefusedBeforeTheWork(string command, string said)
    {
        bool Names(params string[] words) => words.Any(word => command.Contains(word, StringComparison.Ordinal));
        Assert.SkipWhen(Names("{fifo}", "{pipes}") && !files.HasPipes, "this system has no pipes among its files");
        bool isOfLinux = Names("/proc", "/dev", "{link}", "{twin}", "{dangl", "{circle}");
        Assert.SkipWhen(isOfLinux && !OperatingSystem.IsLinux(), "these are folders and links of Linux");
        var before = files.Snapshot();
        var (code, output, error) = Harness.Command([.. command.Split(' ').Select(files.Word)]);
        Assert.True(code == 2, $"{command} ended with {code}: {error}");
        var line = Assert.Single(error.TrimEnd().Split('\n'));
        Assert.StartsWith("clado: ", line, StringComparison.Ordinal);
        Assert.Contains(said, line, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", line, StringComparison.Ordinal);
        Assert.Equal("", output);
        Assert.Equal(before, files.Snapshot());
    }

    /// <summary>A budget that no choice keeps is no error: the answer is no, and that too is known before anything is measured.</summary>
    [Fact]
    public void AnInfeasibleBudgetIsAnsweredBeforeMeasuring()
    {
        var before = files.Snapshot();
        foreach (var options in (string[])["--budget 900", "--budget 1.5bit", "--budget none --max-bitops 10"])
        {
            var command = "quantize {model} --images {images} --preprocess unit --run {new} -o {out} --json " + options;
            var (code, output, error) = Harness.Command([.. command.Split(' ').Select(files.Word)]);
            Assert.Equal(1, code);
            Assert.Single(error.TrimEnd().Split('\n'));
            Assert.Contains("\"status\": \"infeasible\"", output, StringComparison.Ordinal);
        }
        Assert.Equal(before, files.Snapshot());
    }

    /// <summary>What the commands are tried on.</summary>
    public sealed class Files : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        public Files()
        {
            OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
            OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 5).Build(), folder["five.onnx"]);
            var gray = new NetworkBuilder(input: [1, 8, 8]);
            gray.Weight("w", 8, 1, 3, 3);
            OnnxFile.Write(gray.Then("Conv", "y", ["w"]).Build(), folder["gray.onnx"]);
            var flat = new NetworkBuilder(input: [64]);
            flat.Weight("w", 64, 8);
            OnnxFile.Write(flat.Then("MatMul", "y", ["w"]).Build(), folder["flat.onnx"]);
            var dense = new NetworkBuilder();
            dense.Weight("w", 8, 3, 3, 3);
            OnnxFile.Write(dense.Then("Conv", "y", ["w"]).Build(), folder["dense.onnx"]);
            var external = NetworkBuilder.SmallClassifier(classes: 8).Build();
            Directory.CreateDirectory(folder["external"]);
            File.WriteAllBytes(folder["external/w.bin"], external.Graph.Initializer[0].RawData.ToByteArray());
            ExternalData.Refer(external.Graph.Initializer[0], "w.bin", 0);
            external.Graph.Initializer[0].ClearRawData();
            File.WriteAllBytes(folder["external/m.onnx"], external.ToByteArray());
            Harness.Images(folder, "images", 2);
            Harness.Png(folder["dangles/1.png"], 8, 8, SKColors.Red);
            Harness.Png(folder["unlabelled/1.png"], 8, 8, SKColors.Red);
            Harness.Png(folder["pipes/1.png"], 8, 8, SKColors.Red);
            for (int label = 0; label < 12; label++)
            {
                Harness.Png(folder[$"twelve/{label:00}/1.png"], 8, 8, SKColors.Blue);
            }
            File.WriteAllText(folder["one.json"], """{"scale": 1}""");
            File.WriteAllText(folder["two.json"], """{"std": [1, 2]}""");
            File.WriteAllText(folder["costs.csv"], "layer,bits,cost\nconv_c1,2,1\n");
            HasPipes = folder.Pipe("fifo") && folder.Pipe("pipes/2.png");
            if (!OperatingSystem.IsWindows())
            {
                File.CreateSymbolicLink(folder["link.onnx"], folder["model.onnx"]);
                Directory.CreateSymbolicLink(folder["twin"], folder.Path);
                File.CreateSymbolicLink(folder["dangling.onnx"], "/nowhere.onnx");
                File.CreateSymbolicLink(folder["circle.onnx"], folder["circle.onnx"]);
                File.CreateSymbolicLink(folder["dangles/2.png"], "/nowhere.png");
            }
            foreach (var (model, run) in ((string, string)[])
                [("model.onnx", "run"), ("dense.onnx", "denserun"), ("external/m.onnx", "externalrun")])
            {
                string[] command = ["measure", folder[model], "--images", folder["images"], "--preprocess", "unit", "--run", folder[run]];
                Assert.Equal(0, Harness.Command(command).Code);
            }
            // Nobody asked them anything yet: asking opens the records, which leaves them as they are.
            Assert.Equal(0, Harness.Command("allocate", "--run", folder["run"], "--budget", "3bit").Code);
        }

        public bool HasPipes { get; }

        /// <summary>A word of a command line.</summary>
        public string Word(string word)
        {
            word = word == "''" ? "" : word;
            foreach (var (name, path) in (ReadOnlySpan<(string, string)>)
            [
                ("model", "model.onnx"), ("five", "five.onnx"), ("gray", "gray.onnx"), ("flat", "flat.onnx"), ("dense", "dense.onnx"),
                ("images", "images"), ("unlabelled", "unlabelled"), ("twelve", "twelve"), ("pipes", "pipes"),
                ("one", "one.json"), ("two", "two.json"), ("costs", "costs.csv"), ("fifo", "fifo"), ("link", "link.onnx"),
                ("twin", "twin"), ("run", "run"), ("denserun", "denserun"), ("external", "external/m.onnx"),
                ("weights", "external/w.bin"), ("externalrun", "externalrun"), ("dangling", "dangling.onnx"), ("circle", "circle.onnx"),
                ("dangles", "dangles"), ("new", "new"), ("nowhere", "nowhere"), ("out", "out.onnx"),
            ])
            {
                word = word.Replace($"{{{name}}}", folder[path], StringComparison.Ordinal);
            }
            return word;
        }

        /// <summary>All files that are no links, their lengths and times. Shape: [files].</summary>
        public string[] Snapshot()
        {
            var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
            static string Line(FileSystemInfo info) =>
                $"{info.FullName} {(info is FileInfo file ? $"{file.Length} {file.LastWriteTimeUtc:O}" : "")}";
            return [.. new DirectoryInfo(folder.Path).EnumerateFileSystemInfos("*", options).Select(Line).Order(StringComparer.Ordinal)];
        }

        public void Dispose()
        {
            if (!OperatingSystem.IsWindows())
            {
                Directory.Delete(folder["twin"]);
            }
            folder.Dispose();
        }
    }
}
