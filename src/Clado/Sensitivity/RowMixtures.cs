using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>
/// Chooses widths of rows inside a layer (docs/method.md, "Rows"): of all ways to spend so many bits, the one whose rows cost least by
/// their own sensitivities. Every row goes along the lower hull of its costs, the step of largest gain a bit first.
/// </summary>
internal static class RowMixtures
{
    // Between each two neighbouring widths, so many means.
    private const int MeansBetween = 3;

    /// <summary>Mixtures of every layer.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="candidates">Candidates of one width each.</param>
    /// <param name="rows">What their rows cost.</param>
    /// <returns>Of every layer, width of every row. Shape: [layers][mixtures][channels].</returns>
    public static IReadOnlyList<IReadOnlyList<int[]>> Choose(Graph graph, CandidateSet candidates, ChannelSensitivities rows) =>
        [.. Enumerable.Range(0, candidates.Layers.Count).Select(layer => OfLayer(graph, candidates, rows, layer))];

    private static int[][] OfLayer(Graph graph, CandidateSet candidates, ChannelSensitivities rows, int layer)
    {
        int[] own = [.. candidates.LayerOf.Index().Where(row => row.Item == layer).Select(row => row.Index)];
        int[] widths = [.. own.Select(row => candidates.Items[row].Bits)];
        if (rows.Layout.CountOf(own[0]) < 2 || widths.Length < 2)
        {
            return [];
        }
        var steps = Steps(widths, Costs(graph, candidates, rows, own));
        var found = new List<int[]>();
        foreach (var (narrow, wide) in widths.Zip(widths.Skip(1)))
        {
            for (int i = 1; i <= MeansBetween; i++)
            {
                double mean = narrow + ((wide - narrow) * i / (MeansBetween + 1.0));
                found.Add(Spend(widths, steps, rows.Layout.CountOf(own[0]), mean));
            }
        }
        return [.. found.Where(row => row.Distinct().Count() is > 1 and <= RowGroup.Most).DistinctBy(row => string.Join(',', row))];
    }

    /// <summary>
    /// What rows cost at each width: the layer's loss there, shared out by each row's squared error times its importance.
    /// </summary>
    /// <returns>Shape: [widths][channels].</returns>
    private static double[][] Costs(Graph graph, CandidateSet candidates, ChannelSensitivities rows, int[] own)
    {
        float[] weights = TensorData.ReadSingles(graph.File, graph.Initializers[candidates.Items[own[0]].Layer.Weight]);
        double[][] errors = [.. own.Select(row => Errors(candidates.Items[row], weights))];
        double[][] alone = [.. own.Select(row => rows.Alone[rows.Layout.Of(row)])];
        double[] importance = Importance(alone, rows.AloneErrors[rows.Layout.Of(own[0])], errors);
        return [.. own.Zip(errors, (row, squares) =>
        {
            double[] products = [.. squares.Zip(importance, (error, weight) => error * weight)];
            double loss = Math.Max(0, rows.Shares[rows.Layout.Of(row)].Sum()), sum = Math.Max(products.Sum(), double.Epsilon);
            return products.Select(product => loss * product / sum).ToArray();
        })];
    }

    /// <summary>
    /// How much a row's squared error counts beside those of the others: its share of what rows cost alone by its share of their squared
    /// errors, in the mean over the widths, shrunk towards that of all rows by its noise (James and Stein 1961).
    /// </summary>
    private static double[] Importance(double[][] alone, double[] noise, double[][] errors)
    {
        static double[] SharesOf(double[] values)
        {
            double sum = Math.Max(values.Sum(), double.Epsilon);
            return [.. values.Select(value => Math.Max(0, value) / sum)];
        }

        double[][] ratios = [.. alone.Zip(errors, (costs, squares) => SharesOf(costs)
            .Zip(SharesOf(squares), (cost, error) => error == 0 ? 0 : cost / error).ToArray())];
        double[] importance = [.. Enumerable.Range(0, noise.Length).Select(row => ratios.Average(own => own[row]))];
        double mean = importance.Average(), variance = importance.Average(value => (value - mean) * (value - mean));
        double chance = importance.Index().Average(row => alone[0][row.Index] <= 0 ? 0
            : Math.Pow(row.Item * noise[row.Index] / alone[0][row.Index], 2));
        double kept = variance == 0 ? 0 : Math.Max(0, 1 - (chance / variance));
        return [.. importance.Select(value => mean + (kept * (value - mean)))];
    }

    private static double[] Errors(Candidate candidate, float[] weights)
    {
        float[] rounded = candidate.Dequantize();
        return [.. Enumerable.Range(0, candidate.Layer.ChannelCount).Select(row => candidate.Layer.Positions(row).Sum(position =>
        {
            double error = (double)weights[position] - rounded[position];
            return error * error;
        }))];
    }

    /// <summary>Steps along the lower hulls of all rows, the largest gain a bit first.</summary>
    private static (int Row, int From, int To)[] Steps(int[] widths, double[][] costs)
    {
        var steps = new List<(double Gain, int Row, int From, int To)>();
        for (int row = 0; row < costs[0].Length; row++)
        {
            double Gain(int from, int to) => (costs[from][row] - costs[to][row]) / (widths[to] - widths[from]);
            for (int at = 0; at < widths.Length - 1;)
            {
                int next = Enumerable.Range(at + 1, widths.Length - at - 1).MaxBy(to => Gain(at, to));
                if (Gain(at, next) <= 0)
                {
                    break;
                }
                steps.Add((Gain(at, next), row, at, next));
                at = next;
            }
        }
        return [.. steps.OrderByDescending(step => step.Gain).ThenBy(step => step.Row).ThenBy(step => step.From)
            .Select(step => (step.Row, step.From, step.To))];
    }

    private static int[] Spend(int[] widths, (int Row, int From, int To)[] steps, int rows, double mean)
    {
        int[] chosen = [.. Enumerable.Repeat(widths[0], rows)];
        double left = (mean - widths[0]) * rows;
        foreach (var (row, from, to) in steps)
        {
            left -= widths[to] - widths[from];
            if (left < 0)
            {
                break;
            }
            chosen[row] = widths[to];
        }
        return chosen;
    }
}
