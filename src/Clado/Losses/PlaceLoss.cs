using System.Numerics.Tensors;
using Clado.Graphs;

namespace Clado.Losses;

/// <summary>
/// The Kullback-Leibler divergence at every place of maps of classes, as a mean over the places and over the outputs
/// (docs/method.md, "Loss"). Of classes that are right or wrong by themselves it is the sum over them at each place.
/// A pair of candidates costs a dot product a place.
/// </summary>
internal sealed class PlaceLoss : OutputLoss
{
    // Rows whose exponentials of all candidates are held at once.
    private const int RowsAtOnce = 256;

    private readonly IReadOnlyList<ClassRows> outputs;
    private readonly float[] floatOutputs;
    private readonly float[] start;
    private readonly int[]? labels;
    private readonly int size;

    /// <summary>The loss where the measurement stands.</summary>
    /// <param name="readout">Where the network is read: one whose outputs are scores of classes.</param>
    /// <param name="floatOutputs">z0. Shape: [images · elements].</param>
    /// <param name="outputs">z. Shape: [images · elements].</param>
    /// <param name="labels">
    /// Class indices, for the cross-entropy of networks that answer with one set of scores; null for the divergence. Shape: [images].
    /// </param>
    public PlaceLoss(Readout readout, float[] floatOutputs, float[] outputs, int[]? labels = null)
    {
        (this.outputs, size) = (ClassRows.Of(readout), readout.ElementCount);
        (this.floatOutputs, start, this.labels) = (floatOutputs, outputs, labels);
        Base = labels is null ? 0 : labels.Index().Average(label => LossOf(this.outputs[0], label.Index, 0, 1).Base);
    }

    public override double Base { get; }

    public override double Increase(int image, ReadOnlySpan<float> shift)
    {
        double sum = 0;
        foreach (var (rows, from, count) in Blocks())
        {
            var own = new float[count * rows.Classes];
            rows.Take(shift, from, own);
            sum += Share(rows) * LossOf(rows, image, from, count).Increases(own, rows.Classes).Sum();
        }
        return sum;
    }

    /// <summary>That of every place, times its share.</summary>
    public override void Slope(int image, Span<float> slope) =>
        ForRows(image, slope, share => share, (loss, row, own) => loss.Slope(row, own));

    /// <summary>
    /// That of every place, times the root of the place's share: places are drawn for themselves, so that between two of them the mean
    /// product is zero, as the curvature is.
    /// </summary>
    public override void Draw(int image, Random random, Span<float> vector) =>
        ForRows(image, vector, Math.Sqrt, (loss, row, own) => loss.Draw(row, random, own));

    protected override Func<int, int, Moments> Prepare(IReadOnlyList<float[]> shifts, int threads)
    {
        int n = shifts.Count, images = start.Length / size;
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        var moments = new Moments[n, n];
        for (int image = 0; image < images; image++)
        {
            var sums = new double[n, n];
            foreach (var (rows, from, count) in Blocks())
            {
                var distributions = new ClassDistributions(Taken(start, rows, image, from, count), rows.Classes);
                var pairs = new ClassPairs(distributions, [.. shifts.Select(own => Taken(own, rows, image, from, count))], threads);
                double share = Share(rows);
                Parallel.For(0, n, options, a =>
                {
                    for (int b = a + 1; b < n; b++)
                    {
                        sums[a, b] += share * pairs.SumOf(a, b);
                    }
                });
            }
            for (int a = 0; a < n; a++)
            {
                for (int b = a + 1; b < n; b++)
                {
                    moments[a, b] = moments[b, a] = moments[a, b].Plus(sums[a, b]);
                }
            }
        }
        return (a, b) => moments[a, b];
    }

    private double Share(ClassRows rows) => rows.Share / outputs.Count;

    /// <summary>Rows of an image's outputs, as many at once as are held.</summary>
    private IEnumerable<(ClassRows Rows, int From, int Count)> Blocks() => outputs.SelectMany(rows =>
        Enumerable.Range(0, (rows.Count + RowsAtOnce - 1) / RowsAtOnce).Select(block =>
            (rows, block * RowsAtOnce, Math.Min(RowsAtOnce, rows.Count - (block * RowsAtOnce)))));

    private void ForRows(int image, Span<float> vector, Func<double, double> scale, Action<ClassLoss, int, float[]> write)
    {
        vector.Clear();
        foreach (var (rows, from, count) in Blocks())
        {
            var (loss, factor, row) = (LossOf(rows, image, from, count), (float)scale(Share(rows)), new float[rows.Classes]);
            for (int i = 0; i < count; i++)
            {
                write(loss, i, row);
                TensorPrimitives.Multiply(row, factor, row);
                rows.Put(row, from + i, vector);
            }
        }
    }

    private ClassLoss LossOf(ClassRows rows, int image, int from, int count)
    {
        var (z0, z) = (Taken(floatOutputs, rows, image, from, count), Taken(start, rows, image, from, count));
        return labels is null
            ? ClassLoss.KullbackLeibler(z0, z, rows.Classes)
            : ClassLoss.CrossEntropy(z0, z, rows.Classes, [labels[image]]);
    }

    private float[] Taken(float[] values, ClassRows rows, int image, int from, int count)
    {
        var taken = new float[count * rows.Classes];
        rows.Take(values.AsSpan(image * size, size), from, taken);
        return taken;
    }
}
