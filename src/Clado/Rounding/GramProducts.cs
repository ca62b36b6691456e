using System.Numerics.Tensors;
using Clado.Calibration;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// Products of a layer's rows with <c>A = H + λ</c>: the Gram matrix of their inputs and its damping.
/// Those of the weights are computed once for all widths, when they are first asked for.
/// </summary>
internal sealed class GramProducts
{
    private readonly InputStatistics inputs;
    private readonly double[] damping;
    private readonly Lazy<(float[][] Products, double[] Energies)> weights;

    /// <param name="rows">The weights w.</param>
    /// <param name="inputs">The layer's inputs.</param>
    /// <param name="damping">λ of each group. Shape: [groups].</param>
    /// <param name="threads">Threads; results do not depend on their number.</param>
    public GramProducts(LayerRows rows, InputStatistics inputs, double[] damping, int threads)
    {
        (Rows, this.inputs, this.damping, Threads) = (rows, inputs, damping, threads);
        weights = new(() =>
        {
            var products = Of((group, row) => rows[group, row]);
            return (products, rows.PerRow(threads, (group, row) => DotProduct.Of(rows[group, row], products[rows.Index(group, row)])));
        });
    }

    /// <summary>The weights w.</summary>
    public LayerRows Rows { get; }

    /// <summary>Threads; results do not depend on their number.</summary>
    public int Threads { get; }

    /// <summary>A w of a row. Shape: [columns].</summary>
    public float[] OfWeights(int index) => weights.Value.Products[index];

    /// <summary>H of a group. Shape: [columns, columns].</summary>
    public float[] Gram(int group) => inputs.Gram[group];

    /// <summary>λ of a group.</summary>
    public float Damping(int group) => (float)damping[group];

    /// <summary>A v, with a vector v a row. Shape: [rows][columns].</summary>
    /// <param name="vector">Gives v of a group's row. Shape: [columns].</param>
    public float[][] Of(Func<int, int, float[]> vector)
    {
        var products = new float[Rows.Count][];
        Rows.ForEachBlock(Lanes.Count, Threads, (group, first, count) =>
        {
            float[][] own = [.. Enumerable.Range(first, count).Select(row => vector(group, row))];
            var vectors = Lanes.Interleaved(own, Rows.Columns);
            var lanes = new float[vectors.Length];
            TensorPrimitives.Multiply(vectors, Damping(group), lanes);
            Lanes.AddProduct(Gram(group), Rows.Columns, vectors, lanes);
            for (int i = 0; i < count; i++)
            {
                products[Rows.Index(group, first + i)] = Lanes.Vector(lanes, i);
            }
        });
        return products;
    }

    /// <summary>
    /// The scales of least error for codes q: <c>qᵀA w / qᵀA q</c>, least squares. With the error e = w − s q at the scale s,
    /// <c>eᵀA e = wᵀA w − 2 s qᵀA w + s² qᵀA q</c> gives the divisor without a further product.
    /// A channel whose codes are all zero keeps its scale.
    /// </summary>
    /// <param name="codes">q of each row. Shape: [rows][columns].</param>
    /// <param name="scales">s of each channel. Shape: [channels].</param>
    /// <param name="errors">eᵀA e of each row. Shape: [rows].</param>
    /// <returns>Shape: [channels].</returns>
    public float[] BestScales(sbyte[][] codes, float[] scales, double[] errors)
    {
        double[] cross = Rows.PerRow(Threads, (group, row) =>
            DotProduct.Of(LayerRows.Values(codes[Rows.Index(group, row)]), OfWeights(Rows.Index(group, row))));
        double[] square = Rows.PerRow(1, (group, row) =>
        {
            int i = Rows.Index(group, row);
            double scale = scales[Rows.Channel(group, row)];
            return (errors[i] - weights.Value.Energies[i] + (2 * scale * cross[i])) / (scale * scale);
        });
        var (crosses, squares) = (Rows.SumByChannel(cross), Rows.SumByChannel(square));
        return [.. scales.Select((scale, c) =>
            (float)(crosses[c] / squares[c]) is var best && float.IsNormal(best) && best > 0 ? best : scale)];
    }
}
