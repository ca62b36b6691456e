using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Images;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>A batch of a task on this machine, run through the network that is measured around: what its units are measured with.</summary>
/// <param name="loaded">The task.</param>
/// <param name="plan">The batch's units.</param>
/// <param name="images">The images. Shape: [images].</param>
/// <param name="states">States of the network that is measured around; taken over.</param>
/// <param name="startOutputs">Outputs of these states. Shape: [images · outputs].</param>
/// <param name="loss">The loss on the batch, from that state.</param>
internal sealed class BatchMeasurement(
    LoadedTask loaded, BatchPlan plan, IReadOnlyList<ImageItem> images, BatchStates states, float[] startOutputs, OutputLoss loss)
    : IDisposable
{
    private readonly Lazy<float[][]> directions = new(() => new OutputDirections(loaded.Task).Of(loss, images));

    // What units came to that were measured or found here: another process that ends the batch removes their records.
    private readonly Array?[] known = new Array?[plan.Units.Count];

    /// <summary>The task.</summary>
    public LoadedTask Loaded => loaded;

    /// <summary>The batch's units.</summary>
    public BatchPlan Plan => plan;

    /// <summary>State of the network that is measured around, where suffixes are run from there.</summary>
    public NetworkState Start => states.Forward!;

    /// <summary>The same, where gradients go back from there.</summary>
    public LinearizedState Linearized => states.Backward!;

    /// <summary>Outputs of that state. Shape: [images · outputs].</summary>
    public float[] StartOutputs => startOutputs;

    /// <summary>The loss on the batch, from that state.</summary>
    public OutputLoss Loss => loss;

    /// <summary>Vectors along which the outputs are differentiated. Shape: [directions][images · outputs].</summary>
    public float[][] Directions => directions.Value;

    /// <summary>The loss to second order, by derivatives along these. Shape: [images].</summary>
    public QuadraticForm[] Forms() => new OutputDirections(loaded.Task).Forms(loss, images);

    /// <summary>The rows of the matrix.</summary>
    public CandidateSet Candidates => loaded.Task.Inputs.Candidates;

    /// <summary>Images in the batch.</summary>
    public int ImageCount => plan.ImageCount;

    /// <summary>What a unit came to: known here, from its record, or measured and recorded now.</summary>
    /// <param name="unit">A unit of this batch.</param>
    /// <param name="measure">Measures it.</param>
    public T[] Values<T>(WorkUnit unit, Func<T[]> measure) where T : unmanaged
    {
        var values = (T[]?)known[unit.Row] ?? loaded.Records.GetOrAdd(unit.Key, measure, unit.ValueCount);
        known[unit.Row] = values;
        return values;
    }

    /// <summary>Measures and records a unit, unless its record is there. Safe to call from several threads, in any order.</summary>
    /// <param name="unit">A unit of this batch.</param>
    public void Measure(WorkUnit unit)
    {
        if (!loaded.Task.Estimator.Measure(this, unit))
        {
            loaded.Progress.Add(unit.Macs);
        }
    }

    /// <summary>Forms the sums of the batch from the records of its units; those without one are measured.</summary>
    /// <returns>
    /// Over the batch's images, the matrix's moments, those of rows where these are measured, then the float network's loss.
    /// </returns>
    public double[] Combine()
    {
        var estimator = loaded.Task.Estimator;
        return [.. estimator.Combine(this).Values, .. estimator.ChannelSums(this), loss.Base * ImageCount];
    }

    /// <summary>δ of a state: its outputs less those of the start. Shape: [images · outputs].</summary>
    public float[] Shift(NetworkState state)
    {
        var shift = loaded.Network.Outputs(state);
        TensorPrimitives.Subtract(shift, startOutputs, shift);
        return shift;
    }

    /// <summary>
    /// δ of one candidate alone: one suffix pass. For one that the network has already there is none, and δ is exactly 0.
    /// </summary>
    /// <param name="row">The candidate. Range: [0, candidates).</param>
    /// <returns>Shape: [images · outputs].</returns>
    public float[] Shift(int row)
    {
        if (loaded.Task.OperatingPoint.Contains(row))
        {
            return Shift(Start);
        }
        int layer = Candidates.LayerOf[row];
        using var values = loaded.Network.Values(Candidates.Items[row]);
        using var state = loaded.Network.Perturb(Start, layer, values, tapped: false);
        Report(layer);
        return Shift(state);
    }

    /// <summary>Tells of a finished pass of a layer's suffix.</summary>
    public void Report(int layer) => loaded.Progress.Add((double)loaded.Task.Cuts.Suffixes[layer].Macs * ImageCount);

    /// <summary>Loss increase of every image at a shift. Shape: [images].</summary>
    public double[] Increases(float[] shift) => loss.Increases(shift, startOutputs.Length / ImageCount);

    public void Dispose() => states.Dispose();
}

/// <summary>States of the network that is measured around, on a batch: what its units begin with.</summary>
/// <param name="Forward">Activations that suffixes begin with; null where none is run.</param>
/// <param name="Backward">Activations that gradients are taken at; null where none are.</param>
internal sealed record BatchStates(NetworkState? Forward, LinearizedState? Backward) : IDisposable
{
    public void Dispose()
    {
        Forward?.Dispose();
        Backward?.Dispose();
    }
}
