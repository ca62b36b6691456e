using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Clado.Candidates;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// A way to fill the sensitivity matrix. It measures a batch of images at a time, so that memory does not grow with their number, and a
/// candidate at a time, so that several machines can share the work. It keeps no state.
/// </summary>
internal interface IEstimator
{
    /// <summary>Name that the matrix carries.</summary>
    string Name { get; }

    /// <summary>Whether it goes back from the outputs; else it runs suffixes forward.</summary>
    bool GoesBack { get; }

    /// <summary>The units of a batch: one a candidate, or what the estimator has instead.</summary>
    /// <param name="task">What is measured.</param>
    /// <returns>Shape: [units].</returns>
    IReadOnlyList<UnitSize> Units(MeasurementTask task);

    /// <summary>Looks whether it can measure a network.</summary>
    /// <param name="cuts">The network.</param>
    /// <exception cref="CladoException">It cannot; the message says why, and what can.</exception>
    void Check(NetworkCuts cuts);

    /// <summary>What it takes of memory besides the network and its suffixes.</summary>
    /// <param name="cuts">The network.</param>
    /// <param name="candidates">The rows of the matrix.</param>
    EstimatorMemory Memory(NetworkCuts cuts, CandidateSet candidates);

    /// <summary>Measures and records a unit, unless its record is there.</summary>
    /// <returns>Whether it was measured now.</returns>
    bool Measure(BatchMeasurement batch, WorkUnit unit);

    /// <summary>Bytes of each of the numbers that a unit comes to.</summary>
    int ValueBytes { get; }

    /// <summary>Measures a unit.</summary>
    /// <returns>The numbers that it comes to. Shape: [bytes].</returns>
    byte[] Bytes(BatchMeasurement batch, WorkUnit unit);

    /// <summary>Forms the sums of a batch from the records of its units.</summary>
    /// <returns>
    /// Moments over the batch's images: on the diagonal of twice the loss increase of a candidate, elsewhere of the cross term of a pair
    /// (docs/method.md, "Cross-layer sensitivity").
    /// </returns>
    MatrixMoments Combine(BatchMeasurement batch);

    /// <summary>Sums of a batch over rows, see <see cref="ChannelMoments.Values"/>; empty where none are measured.</summary>
    double[] ChannelSums(BatchMeasurement batch);
}

/// <summary>An estimator whose units come to numbers of one type.</summary>
/// <typeparam name="T">The type.</typeparam>
internal abstract class Estimator<T> : IEstimator where T : unmanaged
{
    public abstract string Name { get; }

    public virtual bool GoesBack => false;

    public abstract IReadOnlyList<UnitSize> Units(MeasurementTask task);

    public virtual void Check(NetworkCuts cuts)
    {
    }

    public virtual EstimatorMemory Memory(NetworkCuts cuts, CandidateSet candidates) => default;

    public bool Measure(BatchMeasurement batch, WorkUnit unit)
    {
        bool measured = false;
        Recorded(batch, unit, () => measured = true);
        return measured;
    }

    public int ValueBytes => Unsafe.SizeOf<T>();

    public byte[] Bytes(BatchMeasurement batch, WorkUnit unit) => MemoryMarshal.AsBytes(Measure(batch, unit.Row).AsSpan()).ToArray();

    public MatrixMoments Combine(BatchMeasurement batch) =>
        Combine(batch, [.. batch.Plan.Units.Select(unit => Values(batch, unit))]);

    public virtual double[] ChannelSums(BatchMeasurement batch) => [];

    /// <summary>What a unit came to: as recorded, or measured now.</summary>
    protected T[] Values(BatchMeasurement batch, WorkUnit unit) => Recorded(batch, unit, () => { });

    /// <summary>Measures a unit.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="row">The candidate, or the position of what the estimator has instead.</param>
    /// <returns>Shape: [values].</returns>
    protected abstract T[] Measure(BatchMeasurement batch, int row);

    /// <summary>Forms the sums of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="units">What every unit came to. Shape: [units][values].</param>
    protected abstract MatrixMoments Combine(BatchMeasurement batch, T[][] units);

    private T[] Recorded(BatchMeasurement batch, WorkUnit unit, Action measuring)
    {
        T[] Values()
        {
            measuring();
            return Measure(batch, unit.Row);
        }

        return batch.Values(unit, Values);
    }
}

/// <summary>Memory an estimator takes.</summary>
/// <param name="Bytes">Whatever the batch.</param>
/// <param name="ImageBytes">For every image of the batch.</param>
internal readonly record struct EstimatorMemory(long Bytes, long ImageBytes)
{
    // Two of three or four derivatives, and sums in double precision, four every few images.
    private const int RowCopies = 10;

    /// <summary>Whether this is all it takes besides the network: it runs no suffixes.</summary>
    public bool IsWhole { get; init; }

    /// <summary>The same where rows are measured too: twice their derivatives along the directions, and sums of a few images.</summary>
    /// <param name="candidates">The rows of the matrix.</param>
    public EstimatorMemory WithRows(CandidateSet candidates)
    {
        return this with { ImageBytes = ImageBytes + (sizeof(float) * RowCopies * candidates.Items.Sum(c => (long)c.Layer.ChannelCount)) };
    }
}
