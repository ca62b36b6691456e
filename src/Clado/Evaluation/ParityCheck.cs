using System.Numerics.Tensors;
using Clado.Activations;
using Clado.Candidates;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>
/// Runs a written file as its users do, and the simulation of the same bits in floats, on the same inputs; says how far their outputs are apart, and how far rounding
/// may drive them apart in this network. That is measured on the simulation: once with activations moved a little before they are rounded, so that those near a tie may fall
/// on the other grid point, as they do where sums are formed in another order; once with all of them moved by up to half a step, so that each may.
/// </summary>
internal static class ParityCheck
{
    // Steps. Sums of some thousand products in single precision are off by up to about 0.001 (docs/numerics.md).
    private const float NearTies = 0.002f;
    private const float Everywhere = 0.5f;

    // What sums of thousands of products in single precision lose, as a share of the largest output.
    private const double FloatRounding = 1.0 / (1 << 14);

    // The simulation's move is one sample of many; the file's is another.
    private const double Margin = 2;

    /// <summary>Compares.</summary>
    /// <param name="graph">The float network both were made from.</param>
    /// <param name="written">The written model.</param>
    /// <param name="path">Path that errors name.</param>
    /// <param name="chosen">The candidates it was written of. Shape: [layers].</param>
    /// <param name="activations">What was written of activations; null where they stayed floats.</param>
    /// <param name="inputs">What is run.</param>
    /// <param name="threads">Batches side by side; results do not depend on it. Range: [1, inf).</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public static ParityResult Run(
        Graph graph, ModelProto written, string path, IReadOnlyList<Candidate> chosen, QuantizedActivations? activations, ParityInputs inputs, int threads,
        IProgress<double>? progress, CancellationToken cancellation)
    {
        var readout = Readout.Of(graph);
        var source = OutputSource.OfFile(path, written);
        using var file = Session(written.Clone(), path, readout, integers: written.RoundsActivations());
        var simulated = SimulatedModel.Build(graph, chosen, activations);
        using var simulation = Session(simulated.Clone(), graph.File, readout, integers: false);
        using var near = activations is null ? null : Simulation(NearTies);
        using var everywhere = activations is null ? null : Simulation(Everywhere);
        var parts = new Part[inputs.Count];
        int done = 0;
        new SideBySide(threads, cancellation).For(inputs.Count, index =>
        {
            var batch = inputs.Load(index);
            var expected = Outputs(simulation, batch);
            readout.Check(expected, batch, OutputSource.Quantized(graph.File));
            var actual = Outputs(file, batch);
            readout.Check(actual, batch, source);
            float[][]? Moved(GraphSession? session) => session is null ? null : Outputs(session, batch);
            parts[index] = new Part(readout, batch.Count, expected, actual, Moved(near) ?? expected, Moved(everywhere) ?? expected);
            progress?.Report((double)Interlocked.Increment(ref done) / inputs.Count);
        });
        return Result(readout, parts, inputs);

        GraphSession Simulation(float shake)
        {
            var moved = simulated.Clone();
            ActivationNodes.Shake(moved, shake);
            return Session(moved, graph.File, readout, integers: false);
        }
    }

    private static ParityResult Result(Readout readout, Part[] parts, ParityInputs inputs)
    {
        int count = parts.Sum(p => p.Images);
        var outputs = readout.Outputs.Select((name, i) =>
        {
            Difference Of(Func<Part, Difference[]> kind) => Difference.Sum(parts.Select(part => kind(part)[i]));
            var (file, near, everywhere) = (Of(p => p.File), Of(p => p.Near), Of(p => p.Everywhere));
            double floats = FloatRounding * parts.Max(p => p.Magnitudes[i]);
            return new OutputParity(
                name, file.Largest, floats + (Margin * everywhere.Largest), file.RootMeanSquare,
                // In a small network a single value near a tie may be all there is.
                floats + ((Margin * near.RootMeanSquare) + (everywhere.Largest / Math.Sqrt(file.Count))));
        }).ToArray();
        double total = parts.Sum(p => p.File.Sum(d => d.Total));
        return new ParityResult(
            count, outputs.Max(o => o.Largest), total / ((double)count * readout.ElementCount), readout.IsClassifier ? (double)parts.Sum(p => p.Agreeing) / count : null)
        {
            OnImages = inputs.AreImages,
            Outputs = outputs,
        };
    }

    private static GraphSession Session(ModelProto model, string file, Readout readout, bool integers)
    {
        model.Graph.Output.Clear();
        model.Graph.Output.Add(readout.Outputs.Select(name => new ValueInfoProto { Name = name }));
        return new GraphSession(model, file, integers: integers);
    }

    private static float[][] Outputs(GraphSession session, ImageBatch batch)
    {
        using var feed = batch.Feed();
        using var values = session.Run(feed);
        return [.. values.Select(v => v.GetTensorDataAsSpan<float>().ToArray())];
    }

    /// <summary>What a batch shows.</summary>
    private sealed class Part
    {
        public Part(Readout readout, int images, float[][] expected, float[][] file, float[][] near, float[][] everywhere)
        {
            Images = images;
            (File, Near, Everywhere) = (Differences(file), Differences(near), Differences(everywhere));
            Magnitudes = [.. expected.Select(values => (double)Math.Abs(TensorPrimitives.MaxMagnitude<float>(values)))];
            for (int image = 0; readout.IsClassifier && image < images; image++)
            {
                var own = new Range(image * readout.ElementCount, (image + 1) * readout.ElementCount);
                Agreeing += TensorPrimitives.IndexOfMax<float>(file[0].AsSpan(own)) == TensorPrimitives.IndexOfMax<float>(expected[0].AsSpan(own)) ? 1 : 0;
            }

            Difference[] Differences(float[][] actual) => [.. actual.Zip(expected, Difference.Of)];
        }

        public int Images { get; }

        public int Agreeing { get; }

        public Difference[] File { get; }

        public Difference[] Near { get; }

        public Difference[] Everywhere { get; }

        /// <summary>The largest absolute value of each output.</summary>
        public double[] Magnitudes { get; }
    }

    /// <summary>How far values are from others.</summary>
    private readonly record struct Difference(double Largest, double Total, double Squares, long Count)
    {
        public double RootMeanSquare => Math.Sqrt(Squares / Math.Max(1, Count));

        public static Difference Of(float[] actual, float[] expected)
        {
            double largest = 0, total = 0, squares = 0;
            for (int i = 0; i < actual.Length; i++)
            {
                // The same infinity twice is no difference; NaN is one from everything.
                double difference = actual[i] == expected[i] ? 0 : Math.Abs((double)actual[i] - expected[i]);
                largest = Math.Max(largest, difference);
                total += difference;
                squares += difference * difference;
            }
            return new(largest, total, squares, actual.Length);
        }

        public static Difference Sum(IEnumerable<Difference> parts) => parts.Aggregate(
            (a, b) => new Difference(Math.Max(a.Largest, b.Largest), a.Total + b.Total, a.Squares + b.Squares, a.Count + b.Count));
    }
}
