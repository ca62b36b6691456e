using System.Globalization;
using Clado.Benchmarks;
using Clado.Benchmarks.House;

// One verb a benchmark; each writes its results as markdown to standard output.
return args switch
{
    ["checks", var network, var rounding, var images] => ChecksBenchmark.Run(
        SharedNetwork.Named(network).Single(), rounding, int.Parse(images, CultureInfo.InvariantCulture)),
    ["cluster", "simulate"] => ClusterBenchmark.Run(),
    ["choosing", .. var parts] => ChoosingBenchmark.Run(parts),
    ["comparison", var folder, .. var parts] => ComparisonBenchmark.Run(folder, parts),
    ["cuda", "threads", var network, var count, var width] =>
        CudaBenchmark.Threads(network, int.Parse(count, CultureInfo.InvariantCulture), width),
    ["cuda", var network, var count, var widths, .. var estimators] =>
        CudaBenchmark.Run(network, int.Parse(count, CultureInfo.InvariantCulture), widths, estimators),
    ["estimates", .. var parts] => EstimateBenchmark.Run(parts),
    ["fisher", .. var parts] => FisherBenchmark.Run(parts),
    ["fuzzing", "read", var first, var step, var count] =>
        FuzzingBenchmark.Read(
            int.Parse(first, CultureInfo.InvariantCulture), int.Parse(step, CultureInfo.InvariantCulture), int.Parse(
                count, CultureInfo.InvariantCulture)),
    ["fuzzing", var count] => FuzzingBenchmark.Run(int.Parse(count, CultureInfo.InvariantCulture)),
    ["stopping", var count, .. var verbs] => StoppingBenchmark.Run(int.Parse(count, CultureInfo.InvariantCulture), verbs),
    ["folders", var count] => FolderFuzzingBenchmark.Run(int.Parse(count, CultureInfo.InvariantCulture), forged: false),
    ["folders", "forged", var count] => FolderFuzzingBenchmark.Run(int.Parse(count, CultureInfo.InvariantCulture), forged: true),
    ["gradients", .. var parts] => GradientsBenchmark.Run(parts),
    ["growth", .. var axes] => GrowthBenchmark.Run(axes),
    ["house", .. var checkouts] => HouseBenchmark.Run(checkouts),
    ["identity", var command] => IdentityBenchmark.Run(command),
    ["models", var images, .. var rest] => ModelsBenchmark.Run(
        int.Parse(images, CultureInfo.InvariantCulture), rest.FirstOrDefault(Directory.Exists), [.. rest.Where(r => !Directory.Exists(r))]),
    ["resnet50", var folder, var images] => RandomResNet.Write(folder, int.Parse(images, CultureInfo.InvariantCulture)),
    ["deploying", .. var parts] => DeployingBenchmark.Run(parts),
    ["large", var folder] => LargeBenchmark.Run(folder),
    ["parity", .. var parts] => ParityBenchmark.Run(parts),
    ["rows", .. var parts] => RowsBenchmark.Run(parts),
    ["rounding", .. var parts] => RoundingBenchmark.Run(parts),
    ["measuring", .. var parts] => MeasuringBenchmark.Run(parts),
    ["tuning", .. var parts] => TuningBenchmark.Run(parts),
    ["solver", .. var parts] => SolverBenchmark.Run(parts),
    ["whole", .. var parts] => WholeJobBenchmark.Run(parts),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Clado.Benchmarks rounding [accuracy] [equalized] [time] [NETWORK …] [TEST IMAGES]");
    Console.Error.WriteLine("       Clado.Benchmarks checks MODEL feedback|nearest IMAGES");
    Console.Error.WriteLine(
        "       Clado.Benchmarks choosing [estimators] [widths] [economies] [nearest] [quantized] [diagonal|additive|pairwise|block|auto "
            + "…] [2,4,8] [IMAGES] [MODEL]");
    Console.Error.WriteLine("       Clado.Benchmarks cluster simulate   (how long 1 to 1,000 machines would take)");
    Console.Error.WriteLine("       Clado.Benchmarks comparison RUNS [nearest] [feedback] [NETWORK …]   (goes on in the folder RUNS)");
    Console.Error.WriteLine(
        "       Clado.Benchmarks cuda resnet50|NETWORK IMAGES 2,4,8 ESTIMATOR[!] …   (! on the GPU alone) | threads NETWORK IMAGES WIDTH");
    Console.Error.WriteLine("       Clado.Benchmarks estimates [sample] [stages] [IMAGES] [NETWORK …]   (how long a job was said to take)");
    Console.Error.WriteLine("       Clado.Benchmarks fisher [feedback] [nearest] [IMAGES] [MODEL …]");
    Console.Error.WriteLine("       Clado.Benchmarks fuzzing FILES");
    Console.Error.WriteLine("       Clado.Benchmarks growth [layers] [images] [classes] [widths]   (how time and memory of a job grow)");
    Console.Error.WriteLine("       Clado.Benchmarks large FOLDER   (a network of 2.2 GiB; takes 10 GB of disk and 16 GB of memory)");
    Console.Error.WriteLine("       Clado.Benchmarks parity shared | [broken] [IMAGES] [NETWORK …]");
    Console.Error.WriteLine("       Clado.Benchmarks folders [forged] DAMAGES");
    Console.Error.WriteLine(
        "       Clado.Benchmarks house [[NAME=]CHECKOUT …]   (checkouts are built in Release; without any, the one we stand in)");
    Console.Error.WriteLine("       Clado.Benchmarks gradients rules MODEL … | cost IMAGES MODEL …");
    Console.Error.WriteLine("       Clado.Benchmarks identity PATH/TO/clado   (two builds that write the same files print the same)");
    Console.Error.WriteLine("       Clado.Benchmarks models IMAGES [FOLDER] [NAME …]");
    Console.Error.WriteLine("       Clado.Benchmarks stopping STOPS [VERB …]");
    Console.Error.WriteLine(
        "       Clado.Benchmarks deploying [speed] [accuracy] [parity] [budgets] [measuring [ESTIMATOR …]] [MODEL …]   (all parts where "
            + "none is named)");
    Console.Error.WriteLine("       Clado.Benchmarks resnet50 FOLDER IMAGES   (writes a network and images to measure memory with)");
    Console.Error.WriteLine("       Clado.Benchmarks rows [nearest] [IMAGES] 2.5bit … MODEL …");
    Console.Error.WriteLine("       Clado.Benchmarks measuring [efficiency] [whole] [matrix]");
    Console.Error.WriteLine("       Clado.Benchmarks tuning [NETWORK …] [2bit …] [IMAGES [TEST IMAGES]]");
    Console.Error.WriteLine("       Clado.Benchmarks solver [projected] [raw] [random] [models] [curve]   (all parts where none is named)");
    Console.Error.WriteLine("       Clado.Benchmarks whole [IMAGES] [MODEL|FILE …]   (the whole of quantize, stage by stage)");
    return 2;
}
