using Clado.Candidates;
using Clado.Execution;
using Clado.Losses;
using Clado.Records;

namespace Clado.Sensitivity;

/// <summary>A way to fill the sensitivity matrix. Measured a batch of images at a time, so that memory does not grow with their number.</summary>
internal interface ISensitivityEstimator
{
    /// <summary>Name on the command line.</summary>
    string Name { get; }

    /// <summary>MACs an image of all passes this estimator makes beside the float one: what progress is measured in.</summary>
    double WorkPerImage(PerturbedNetwork network, CandidateSet candidates);

    /// <summary>Measures one batch.</summary>
    /// <returns>
    /// Moments over the batch's images: on the diagonal of twice the loss increase of a candidate, elsewhere of the cross term of a pair
    /// (docs/method.md, "Cross-layer sensitivity").
    /// </returns>
    MatrixMoments MeasureBatch(BatchMeasurement batch);
}

/// <summary>What an estimator measures with on one batch.</summary>
/// <param name="Network">Runs suffixes.</param>
/// <param name="Candidates">The rows of the matrix.</param>
/// <param name="OperatingPoint">Rows that the network has already; empty where it is the float one. Shape: [layers].</param>
/// <param name="Start">State of the network without any candidate: the float network, or one at an operating point.</param>
/// <param name="Loss">The loss on the batch, from that state.</param>
/// <param name="Records">Finished units.</param>
/// <param name="Key">Prefix of this batch's units.</param>
/// <param name="Threads">Passes side by side.</param>
/// <param name="Progress">Told of every pass.</param>
/// <param name="Cancellation">Stops between two passes.</param>
internal sealed record BatchMeasurement(
    PerturbedNetwork Network, CandidateSet Candidates, IReadOnlyList<int> OperatingPoint, NetworkState Start, OutputLoss Loss, IRecordStore Records, string Key, int Threads,
    WorkProgress Progress, CancellationToken Cancellation)
{
    private readonly float[] startOutputs = Network.Outputs(Start);

    /// <summary>δ of a state: its outputs less those of the start. Shape: [images · outputs].</summary>
    public float[] Shift(NetworkState state)
    {
        var shift = Network.Outputs(state);
        System.Numerics.Tensors.TensorPrimitives.Subtract(shift, startOutputs, shift);
        return shift;
    }

    /// <summary>Elements of a shift.</summary>
    public int ShiftLength => startOutputs.Length;

    /// <summary>Loss increase of every image at a shift. Shape: [images].</summary>
    public double[] Increases(float[] shift) => Loss.Increases(shift, startOutputs.Length / Start.ImageCount);

    /// <summary>Does a unit of work for every candidate, several side by side, each recorded when it is done.</summary>
    /// <param name="unit">Measures a candidate's unit. Shape: [values].</param>
    /// <param name="count">Values of a candidate's unit.</param>
    /// <param name="work">MACs an image of a candidate's unit.</param>
    /// <returns>Shape: [candidates][values].</returns>
    public T[][] ForEachCandidate<T>(Func<int, T[]> unit, Func<int, int> count, Func<int, double> work) where T : unmanaged
    {
        var results = new T[Candidates.Items.Count][];
        // One at a time to each thread: units differ in length by orders of magnitude.
        new SideBySide(Threads, Cancellation).ForEach(Enumerable.Range(0, results.Length), row =>
        {
            bool measured = false;
            results[row] = Records.GetOrAdd($"{Key}/{row}", () =>
            {
                measured = true;
                return unit(row);
            }, count(row));
            if (!measured)
            {
                Progress.Add(work(row) * Start.ImageCount);
            }
        });
        return results;
    }
}
