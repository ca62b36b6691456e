using Clado.Activations;
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

    private readonly ModelRunner file;
    private readonly ModelRunner simulation;

    // Input of the simulation that says how far activations are moved; null where none is rounded.
    private readonly string? move;

    /// <summary>Makes them ready to run.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="written">The written model.</param>
    public ParityModels(Graph graph, Readout readout, WrittenModel written)
    {
        var simulated = SimulatedModel.Build(graph, written.Chosen, written.Activations);
        move = simulated.RoundsActivations() ? GridPerturbation.Apply(simulated) : null;
        simulation = ModelRunner.InFloats(simulated, graph.Inputs, readout, OutputSource.Quantized(graph.File));
        try
        {
            file = ModelRunner.AsWritten(
                EndTypes.WithFloatOutputs(written.Model), graph.Inputs, readout, OutputSource.OfFile(written.Name, written.Model));
        }
        catch
        {
            simulation.Dispose();
            throw;
        }
    }

    /// <summary>Runs both, and the simulation again with activations moved.</summary>
    /// <exception cref="CladoException">An output of the written model or of the simulation is NaN or infinite.</exception>
    public ParityOutputs Run(ImageBatch batch)
    {
        (string, float)? Moved(float steps) => move is null ? null : (move, steps);
        var expected = simulation.RunEach(batch, Moved(0));
        var written = file.RunEach(batch);
        return move is null
            ? new(expected, written, expected, expected)
            : new(
                expected, written, simulation.RunUnchecked(batch, Moved(NearTies)), simulation.RunUnchecked(batch, Moved(Everywhere)));
    }

    public void Dispose()
    {
        file.Dispose();
        simulation.Dispose();
    }
}

/// <summary>Outputs of a batch.</summary>
/// <param name="Expected">The simulation's. Shape: [outputs][images · elements].</param>
/// <param name="File">The written model's. Shape: [outputs][images · elements].</param>
/// <param name="NearTies">The simulation's with values near ties moved. Shape: [outputs][images · elements].</param>
/// <param name="Everywhere">The simulation's with all values moved. Shape: [outputs][images · elements].</param>
internal sealed record ParityOutputs(float[][] Expected, float[][] File, float[][] NearTies, float[][] Everywhere);
