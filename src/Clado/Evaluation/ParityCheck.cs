using System.Numerics.Tensors;
using Clado.Activations;
using Clado.Candidates;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
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

    // What sums of thousands of products in single precision lose, as a share of the part's largest value.
    private const double FloatRounding = 1.0 / (1 << 14);

    // Whatever comes out of one sum with larger values shares their rounding: a few units of single precision of the whole output's largest.
    private const double SharedRounding = 1.0 / (1 << 20);

    // The simulation's move is one sample of many; the file's is another.
    private const double Margin = 2;

    /// <summary>Compares.</summary>
    /// <param name="graph">The float network both were made from.</param>
    /// <param name="written">The written model.</param>
    /// <param name="path">Path that errors name.</param>
    /// <param name="chosen">The candidates it was written of. Shape: [layers].</param>
    /// <param name="activations">What was written of activations; null where they stayed floats.</param>
    /// <param name="scales">What each output consists of: every part is compared on its own; null for a classifier, whose logits are of one kind. Shape: [outputs].</param>
    /// <param name="inputs">What is run.</param>
    /// <param name="threads">Batches side by side; results do not depend on it. Range: [1, inf).</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">An output is NaN or infinite, or all of a part once activations are moved, so that nothing says how far rounding drives it.</exception>
    public static ParityResult Run(
        Graph graph, ModelProto written, string path, IReadOnlyList<Candidate> chosen, QuantizedActivations? activations, IReadOnlyList<OutputScale>? scales,
        ParityInputs inputs, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        var readout = Readout.Of(graph);
        if (scales is not null)
        {
            LossFactory.CheckScales(graph, readout, scales);
        }
        Layout[] layouts = [.. readout.ElementCounts.Select((count, i) => new Layout(scales?[i].Parts ?? new OutputParts([count], [])))];
        var source = OutputSource.OfFile(path, written);
        using var file = Session(written.Clone(), path, readout, integers: written.RoundsActivations());
        var simulated = SimulatedModel.Build(graph, chosen, activations);
        using var simulation = Session(simulated.Clone(), graph.File, readout, integers: false);
        using var near = activations is null ? null : Simulation(NearTies);
        using var everywhere = activations is null ? null : Simulation(Everywhere);
        var batches = new BatchParity[inputs.Count];
        int done = 0;
        new SideBySide(threads, cancellation).For(inputs.Count, index =>
        {
            var batch = inputs.Load(index);
            var expected = Outputs(simulation, batch);
            readout.Check(expected, batch, OutputSource.Quantized(graph.File));
            var actual = Outputs(file, batch);
            readout.Check(actual, batch, source);
            float[][]? Moved(GraphSession? session) => session is null ? null : Outputs(session, batch);
            batches[index] = new BatchParity(readout, layouts, batch.Count, expected, actual, Moved(near) ?? expected, Moved(everywhere) ?? expected);
            progress?.Report((double)Interlocked.Increment(ref done) / inputs.Count);
        });
        return Result(path, readout, layouts, batches, inputs);

        GraphSession Simulation(float shake)
        {
            var moved = simulated.Clone();
            GridPerturbation.Apply(moved, shake);
            return Session(moved, graph.File, readout, integers: false);
        }
    }

    private static ParityResult Result(string path, Readout readout, Layout[] layouts, BatchParity[] batches, ParityInputs inputs)
    {
        int count = batches.Sum(b => b.Images);
        OutputParity[] outputs = [.. readout.Outputs.Select((name, i) => Output(path, name, layouts[i], i, batches))];
        double total = batches.Sum(b => b.File.Sum(parts => parts.Sum(d => d.Total)));
        return new ParityResult(
            count, outputs.Max(o => o.Largest), total / ((double)count * readout.ElementCount), readout.IsClassifier ? (double)batches.Sum(b => b.Agreeing) / count : null)
        {
            OnImages = inputs.AreImages,
            Outputs = outputs,
        };
    }

    private static OutputParity Output(string path, string name, Layout layout, int output, BatchParity[] batches)
    {
        double largest = batches.Max(b => b.Magnitudes[output].Max());
        PartParity Part(int part)
        {
            Difference Of(Func<BatchParity, Difference[][]> kind) => Difference.Sum(batches.Select(batch => kind(batch)[output][part]));
            var (file, near, everywhere) = (Of(b => b.File), Of(b => b.Near), Of(b => b.Everywhere));
            if (file.Count > 0 && (near.Count == 0 || everywhere.Count == 0))
            {
                throw new CladoException($"{path}: not written, since all of output '{name}'{(layout.Count > 1 ? $" ({layout.Summary})" : "")} becomes NaN or infinite where activations fall on neighbouring "
                    + "grid points, so nothing tells a sound file from a wrong one; try --activations float, or give the tensor in front as the output");
            }
            double floats = Math.Max(FloatRounding * batches.Max(b => b.Magnitudes[output][part]), SharedRounding * largest);
            return new PartParity(
                part, file.Count, file.Largest, floats + (Margin * everywhere.Largest), file.RootMeanSquare,
                // In a small network a single value near a tie may be all there is.
                floats + ((Margin * near.RootMeanSquare) + (everywhere.Largest / Math.Sqrt(Math.Max(1, file.Count)))));
        }

        return new OutputParity(name, layout.Summary, [.. Enumerable.Range(0, layout.Count).Select(Part)]);
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

    /// <summary>Which part of an output each element belongs to.</summary>
    private sealed class Layout(OutputParts parts)
    {
        private readonly int[] partOf = [.. Enumerable.Range(0, parts.ElementCount).Select(parts.Of)];

        public int Count => parts.Count;

        public string Summary => parts.Summary;

        /// <summary>Differences of each part. Shape: [parts].</summary>
        public Difference[] Differences(float[] actual, float[] expected)
        {
            var differences = new Difference[Count];
            for (int i = 0; i < actual.Length; i++)
            {
                // Only moved values can be no numbers; those say nothing of how far rounding drives a value.
                if (float.IsFinite(actual[i]))
                {
                    ref var own = ref differences[partOf[i % partOf.Length]];
                    own = own.With(Math.Abs((double)actual[i] - expected[i]));
                }
            }
            return differences;
        }

        /// <summary>The largest absolute value of each part. Shape: [parts].</summary>
        public double[] Magnitudes(float[] values)
        {
            var magnitudes = new double[Count];
            for (int i = 0; i < values.Length; i++)
            {
                ref double own = ref magnitudes[partOf[i % partOf.Length]];
                own = Math.Max(own, Math.Abs(values[i]));
            }
            return magnitudes;
        }
    }

    /// <summary>What a batch shows.</summary>
    private sealed class BatchParity
    {
        public BatchParity(Readout readout, Layout[] layouts, int images, float[][] expected, float[][] file, float[][] near, float[][] everywhere)
        {
            Images = images;
            (File, Near, Everywhere) = (Differences(file), Differences(near), Differences(everywhere));
            Magnitudes = [.. expected.Select((values, output) => layouts[output].Magnitudes(values))];
            for (int image = 0; readout.IsClassifier && image < images; image++)
            {
                var own = new Range(image * readout.ElementCount, (image + 1) * readout.ElementCount);
                Agreeing += TensorPrimitives.IndexOfMax<float>(file[0].AsSpan(own)) == TensorPrimitives.IndexOfMax<float>(expected[0].AsSpan(own)) ? 1 : 0;
            }

            Difference[][] Differences(float[][] actual) => [.. actual.Select((values, output) => layouts[output].Differences(values, expected[output]))];
        }

        public int Images { get; }

        public int Agreeing { get; }

        /// <summary>Differences of the file. Shape: [outputs][parts].</summary>
        public Difference[][] File { get; }

        /// <summary>Differences of the simulation with values near ties moved. Shape: [outputs][parts].</summary>
        public Difference[][] Near { get; }

        /// <summary>Differences of the simulation with all values moved. Shape: [outputs][parts].</summary>
        public Difference[][] Everywhere { get; }

        /// <summary>The largest absolute value of each part of each output. Shape: [outputs][parts].</summary>
        public double[][] Magnitudes { get; }
    }

    /// <summary>How far values are from others.</summary>
    private readonly record struct Difference(double Largest, double Total, double Squares, long Count)
    {
        public double RootMeanSquare => Math.Sqrt(Squares / Math.Max(1, Count));

        public Difference With(double difference) => new(Math.Max(Largest, difference), Total + difference, Squares + (difference * difference), Count + 1);

        public static Difference Sum(IEnumerable<Difference> parts) => parts.Aggregate(
            (a, b) => new Difference(Math.Max(a.Largest, b.Largest), a.Total + b.Total, a.Squares + b.Squares, a.Count + b.Count));
    }
}
