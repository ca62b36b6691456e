using System.Numerics.Tensors;
using Clado.Numerics;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>
/// Rounded rows of a layer, and what their error costs, kept up to date code by code. Of a row with weights w, codes q, scale s and
/// error e = w − s q it holds e and A e (<see cref="GramProducts"/>). Another code adds a column of A, another scale a multiple of
/// <c>A q = (A w − A e) / s</c>: neither needs a product with A.
/// </summary>
internal sealed class LayerErrors
{
    private readonly GramProducts products;
    private readonly LayerRows rows;
    private readonly sbyte[][] codes;
    private readonly float[] scales;
    private readonly float[][] errors;
    private readonly float[][] slopes;

    /// <summary>Computes e and A e.</summary>
    /// <param name="products">Products of the weights.</param>
    /// <param name="rounded">Codes and scales to begin with; they stay as they are.</param>
    public LayerErrors(GramProducts products, RoundedWeights rounded)
    {
        (this.products, rows, scales) = (products, products.Rows, [.. rounded.Scales]);
        (codes, errors) = (new sbyte[rows.Count][], new float[rows.Count][]);
        rows.ForEachBlock(1, products.Threads, (group, row, _) =>
        {
            int i = rows.Index(group, row);
            codes[i] = rows.Gather(rounded.Codes, group, row);
            errors[i] = Error(rows[group, row], codes[i], scales[rows.Channel(group, row)]);
        });
        slopes = products.Of((group, row) => errors[rows.Index(group, row)]);
    }

    /// <summary>Codes and scales as they are now.</summary>
    public RoundedWeights Rounded => rows.Rounded(codes, scales);

    /// <summary>The mean squared error of each channel's outputs, <c>eᵀH e</c>. Shape: [channels].</summary>
    public double[] OutputErrors() => rows.SumByChannel(rows.PerRow(products.Threads, (group, row) =>
    {
        int i = rows.Index(group, row);
        return DotProduct.Of(errors[i], slopes[i]) - (products.Damping(group) * DotProduct.Of(errors[i], errors[i]));
    }));

    /// <summary>Lowers the error code by code (<see cref="CoordinateDescent"/>).</summary>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    public void Descend(int bits)
    {
        CoordinateDescent[] descents = [.. Enumerable.Range(0, rows.Groups)
            .Select(group => new CoordinateDescent(products.Gram(group), products.Damping(group), rows.Columns))];
        rows.ForEachBlock(1, products.Threads, (group, row, _) =>
        {
            int i = rows.Index(group, row);
            descents[group].Improve(bits, scales[rows.Channel(group, row)], codes[i], errors[i], slopes[i]);
        });
    }

    /// <summary>Limits the codes of every row so that no pair overflows (<see cref="KernelPairs.Limit"/>).</summary>
    public void Limit(KernelPairs pairs) => rows.ForEachRow((group, row) =>
    {
        int i = rows.Index(group, row);
        sbyte[] before = [.. codes[i]];
        if (pairs.Limit(codes[i]))
        {
            float step = scales[rows.Channel(group, row)];
            for (int column = 0; column < before.Length; column++)
            {
                if (before[column] != codes[i][column])
                {
                    float change = (before[column] - codes[i][column]) * step;
                    CoordinateDescent.Change(products.Gram(group), products.Damping(group), column, change, errors[i], slopes[i]);
                }
            }
        }
    });

    /// <summary>Gives each channel the scale of least error for its codes.</summary>
    /// <param name="isFinal">
    /// Whether it is one that the layer can have: the error is a parabola in the scale, so that the nearest to the best is.
    /// </param>
    public void Rescale(bool isFinal = true)
    {
        var best = products.BestScales(codes, scales, rows.PerRow(products.Threads, (group, row) =>
            DotProduct.Of(errors[rows.Index(group, row)], slopes[rows.Index(group, row)])));
        best = isFinal ? Array.ConvertAll(best, rows.Layer.NearestScale) : best;
        rows.ForEachBlock(1, products.Threads, (group, row, _) =>
        {
            int i = rows.Index(group, row), channel = rows.Channel(group, row);
            float share = (scales[channel] - best[channel]) / scales[channel];
            // A e' = A e + (s − s') A q, where A q = (A w − A e) / s.
            var step = products.OfWeights(i).ToArray();
            TensorPrimitives.Subtract(step, slopes[i], step);
            TensorPrimitives.MultiplyAdd(step, share, slopes[i], slopes[i]);
            errors[i] = Error(rows[group, row], codes[i], best[channel]);
        });
        best.CopyTo(scales, 0);
    }

    private static float[] Error(float[] weights, sbyte[] codes, float scale)
    {
        var error = LayerRows.Values(codes);
        TensorPrimitives.MultiplyAdd(error, -scale, weights, error);
        return error;
    }
}
