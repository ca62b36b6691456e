using Clado.Activations;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>
/// A written model, the simulation of its bits in floats, and that simulation with activations moved before they are rounded.
/// How far the moves drive outputs says how far rounding may drive the written model's.
/// </summary>
internal sealed class ParityModels : IDisposable
{
    // Steps. Sums of some thousand products in single precision are off by up to about 0.001 (docs/numerics.md). Moved by this,
    // values near a tie may fall on the other grid point, as they do where sums are formed in another order.
    private const float NearTies = 0.002f;

    // Moved by up to half a step, each may.
    private const float Everywhere = 0.5f;

    private readonly OwnedList<ModelRunner> runners;

    /// <summary>Makes them ready to run.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="written">The written model.</param>
    public ParityModels(Graph graph, Readout readout, WrittenModel written) =>
        runners = new OwnedList<ModelRunner>(Runners(graph, readout, written));

    /// <summary>Runs all of them.</summary>
    /// <exception cref="CladoException">An output of the written model or of the simulation is NaN or infinite.</exception>
    public ParityOutputs Run(ImageBatch batch)
    {
        var expected = runners[0].RunEach(batch);
        var file = runners[1].RunEach(batch);
        // Where no activation is rounded, none is moved.
        return runners.Count == 2
            ? new(expected, file, expected, expected)
            : new(expected, file, runners[2].RunUnchecked(batch), runners[3].RunUnchecked(batch));
    }

    public void Dispose() => runners.Dispose();

    private static IEnumerable<ModelRunner> Runners(Graph graph, Readout readout, WrittenModel written)
    {
        var source = OutputSource.Quantized(graph.File);
        var simulated = SimulatedModel.Build(graph, written.Chosen, written.Activations);
        yield return ModelRunner.InFloats(simulated, graph.Inputs, readout, source);
        var file = EndTypes.WithFloatOutputs(written.Model);
        yield return ModelRunner.AsWritten(file, graph.Inputs, readout, OutputSource.OfFile(written.Name, written.Model));
        foreach (float steps in simulated.RoundsActivations() ? (float[])[NearTies, Everywhere] : [])
        {
            var moved = simulated.Clone();
            GridPerturbation.Apply(moved, steps);
            yield return ModelRunner.InFloats(moved, graph.Inputs, readout, source);
        }
    }
}

/// <summary>Outputs of a batch.</summary>
/// <param name="Expected">The simulation's. Shape: [outputs][images · elements].</param>
/// <param name="File">The written model's. Shape: [outputs][images · elements].</param>
/// <param name="NearTies">The simulation's with values near ties moved. Shape: [outputs][images · elements].</param>
/// <param name="Everywhere">The simulation's with all values moved. Shape: [outputs][images · elements].</param>
internal sealed record ParityOutputs(float[][] Expected, float[][] File, float[][] NearTies, float[][] Everywhere);
