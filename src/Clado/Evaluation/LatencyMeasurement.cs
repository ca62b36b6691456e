using System.Diagnostics;
using Clado.Execution;
using Clado.Graphs;
using Clado.Graphs.Integers;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>
/// Times model files on ONNX Runtime. One run of each follows one of the other, so that what else the machine does meets all of them alike.
/// </summary>
internal static class LatencyMeasurement
{
    private const int WarmUpRuns = 3;
    private const int Runs = 31;

    /// <summary>Times files.</summary>
    /// <param name="paths">Paths of <c>.onnx</c> files that take inputs of one size. Shape: [files].</param>
    /// <param name="threads">Threads a run uses. Range: [1, inf).</param>
    /// <param name="batch">Images a run; 1 where a model fixes its batch. Range: [1, inf).</param>
    /// <param name="runs">Runs of each file that count. Range: [1, inf).</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <param name="provider">Where they run.</param>
    /// <param name="cancellation">Stops between two runs.</param>
    /// <returns>Median time of a run of each file, milliseconds. Shape: [files].</returns>
    /// <exception cref="OnnxFormatException">A file is no usable model.</exception>
    public static double[] Measure(
        IReadOnlyList<string> paths, int threads, int batch = 1, int runs = Runs, InputOptions? inputs = null,
        Provider provider = Provider.Cpu, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var options = (inputs ?? new()).Of([.. paths.Select(OnnxFile.Read)]);
        using var models = new OwnedList<TimedModel>(
            paths.Zip(options, (path, one) => new TimedModel(path, threads, batch, one, provider)));
        var times = models.Select(_ => new List<double>()).ToArray();
        for (int run = 0; run < WarmUpRuns + runs; run++)
        {
            foreach (var (model, own) in models.Zip(times))
            {
                cancellation.ThrowIfCancellationRequested();
                double time = model.Run();
                if (run >= WarmUpRuns)
                {
                    own.Add(time);
                }
            }
        }
        return [.. times.Select(t => t.Order().ElementAt(t.Count / 2))];
    }

    private sealed class TimedModel : IDisposable
    {
        private readonly GraphSession session;
        private readonly GraphInputs inputs;
        private readonly float[] pixels;
        private readonly long[] shape;

        public TimedModel(string path, int threads, int batch, InputOptions? options, Provider provider)
        {
            var graph = Graph.Read(path, options, grids: GridHandling.Leave);
            shape = graph.InputShape.Of(batch);
            pixels = RandomPixels.Of(graph.Inputs, shape, seed: 1);
            var file = RunnableFile.Of(OnnxFile.Read(path), graph).Model;
            inputs = graph.Inputs.For(file);
            session = GraphSession.Timed(file, path, threads, file.RoundsActivations(), provider);
        }

        public double Run()
        {
            using var feed = inputs.Feed(pixels, shape);
            long start = Stopwatch.GetTimestamp();
            using var outputs = session.Run(feed);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        public void Dispose() => session.Dispose();
    }
}
