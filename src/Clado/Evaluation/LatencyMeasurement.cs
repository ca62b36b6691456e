using System.Diagnostics;
using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Evaluation;

/// <summary>Times model files on ONNX Runtime, one run of each in turn, so that what else the machine does meets all of them alike.</summary>
public static class LatencyMeasurement
{
    private const int WarmUpRuns = 3;
    private const int Runs = 31;

    /// <summary>Times files.</summary>
    /// <param name="paths">Paths of <c>.onnx</c> files that take inputs of one size. Shape: [files].</param>
    /// <param name="threads">Threads a run uses. Range: [1, inf).</param>
    /// <param name="batch">Images a run; 1 where a model fixes its batch. Range: [1, inf).</param>
    /// <param name="runs">Runs of each file that count. Range: [1, inf).</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <param name="cancellation">Stops between two runs.</param>
    /// <returns>Median time of a run of each file, milliseconds. Shape: [files].</returns>
    /// <exception cref="OnnxFormatException">A file is no usable model.</exception>
    public static double[] Measure(
        IReadOnlyList<string> paths, int threads, int batch = 1, int runs = Runs, InputOptions? inputs = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var models = paths.Select(path => new TimedModel(path, threads, batch, inputs)).ToArray();
        try
        {
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
        finally
        {
            foreach (var model in models)
            {
                model.Dispose();
            }
        }
    }

    private sealed class TimedModel : IDisposable
    {
        private readonly InferenceSession session;
        private readonly InputFeed feed;
        private readonly RunOptions options = new();
        private readonly string path;

        public TimedModel(string path, int threads, int batch, InputOptions? inputs)
        {
            this.path = path;
            var graph = Graph.Read(path, inputs);
            var file = OnnxFile.Read(path);
            session = OrtRuntime.CreateTimedSession(file.ToByteArray(), path, threads, file.RoundsActivations());
            long[] shape = [.. graph.Tensors[graph.Input].Shape.Select((dim, axis) => axis == 0 && graph.HasFreeBatch ? batch : dim)];
            // Any image will do, except one of zeros alone, which processors may be faster with.
            var random = new Random(1);
            var pixels = new float[shape.Aggregate(1L, (product, dim) => product * dim)];
            for (int i = 0; i < pixels.Length; i++)
            {
                pixels[i] = (2 * random.NextSingle()) - 1;
            }
            feed = graph.Inputs.Feed(pixels, shape);
        }

        public double Run()
        {
            return RunLimit.Run(path, "ONNX Runtime stopped", Timed, () => options.Terminate = true);

            double Timed()
            {
                long start = Stopwatch.GetTimestamp();
                using var outputs = session.Run(options, feed.Keys, feed.Values, session.OutputNames);
                return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }

        public void Dispose()
        {
            options.Dispose();
            feed.Dispose();
            session.Dispose();
        }
    }
}
