using System.Numerics.Tensors;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>Runs a written file as its users do, and the simulation of the same bits in floats, on the same images.</summary>
internal static class ParityCheck
{
    private const int BatchSize = 32;

    /// <summary>Compares.</summary>
    /// <param name="graph">The float network both were made from.</param>
    /// <param name="path">Path of the written file.</param>
    /// <param name="simulated">What it should compute, in floats.</param>
    /// <param name="images">Images to run.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="threads">Batches side by side; results do not depend on it. Range: [1, inf).</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public static ParityResult Run(
        Graph graph, string path, ModelProto simulated, ImageSet images, Preprocessing preprocessing, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        var readout = Readout.Of(graph);
        var written = OnnxFile.Read(path);
        var source = OutputSource.OfFile(path, written);
        using var file = Session(written, path, readout, integers: written.RoundsActivations());
        using var simulation = Session(simulated.Clone(), graph.File, readout, integers: false);
        var batches = new ImageBatches(images, graph, preprocessing, BatchSize);
        var parts = new (double Largest, double Sum, int Agreeing)[batches.Count];
        int done = 0;
        Parallel.For(0, batches.Count, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, index =>
        {
            var batch = batches.Load(index);
            float[] actual = Outputs(file, readout, batch, source);
            float[] expected = Outputs(simulation, readout, batch, OutputSource.Quantized(graph.File));
            int agreeing = 0;
            for (int image = 0; image < batch.Count; image++)
            {
                var own = new Range(image * readout.ElementCount, (image + 1) * readout.ElementCount);
                agreeing += TensorPrimitives.IndexOfMax<float>(actual.AsSpan(own)) == TensorPrimitives.IndexOfMax<float>(expected.AsSpan(own)) ? 1 : 0;
            }
            double[] differences = [.. actual.Zip(expected, (a, b) => Math.Abs((double)a - b))];
            parts[index] = (differences.Max(), differences.Sum(), agreeing);
            progress?.Report((double)Interlocked.Increment(ref done) / batches.Count);
        });
        int count = images.Items.Count;
        return new ParityResult(
            count, parts.Max(p => p.Largest), parts.Sum(p => p.Sum) / ((double)count * readout.ElementCount),
            readout.IsClassifier ? (double)parts.Sum(p => p.Agreeing) / count : null);
    }

    private static GraphSession Session(ModelProto model, string file, Readout readout, bool integers)
    {
        model.Graph.Output.Clear();
        model.Graph.Output.Add(readout.Outputs.Select(name => new ValueInfoProto { Name = name }));
        return new GraphSession(model, file, integers: integers);
    }

    private static float[] Outputs(GraphSession session, Readout readout, ImageBatch batch, OutputSource source)
    {
        using var feed = batch.Feed();
        using var values = session.Run(feed);
        return readout.Collect(values.Select(v => v.GetTensorDataAsSpan<float>().ToArray()), batch, source);
    }
}
