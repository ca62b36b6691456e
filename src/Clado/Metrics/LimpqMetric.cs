using Clado.Rounding;
using Clado.Tuning;

namespace Clado.Metrics;

/// <summary>
/// LIMPQ: the step sizes of quantizers, learned for all widths together, say how important a layer is (arXiv 2203.08368, its importance
/// indicators and their joint training): <c>s(i, b)</c> is the step of layer i at b bits itself, and the sum over layers is minimised.
/// <para>
/// <c>Q(w) = s · clip(round(w / s))</c>, with the derivative by s of LSQ (arXiv 1902.08153, eq. 3): what rounding adds to w / s inside of
/// the range, and its end outside. A step of the training goes through the network with all layers at one width, for each width, and once
/// with a width drawn for every layer; the sum of the gradients moves the step sizes. They begin as in the authors' code, at
/// <c>max |mean ± 3 deviations| / 2^(b−1)</c>.
/// </para>
/// <para>
/// Left out: weights are not trained beside, and nothing after the choice; there are 32 steps on 128 images where the paper has epochs of
/// ImageNet. Activations have no step sizes, since they have the same bits in all choices. Deviations: the logarithm of a step is moved, by
/// Adam (LSQ's factor of the gradient is nothing to Adam); a wider width whose step came out larger is left as it is. The loss is
/// cross-entropy where images have labels, else that of the run. Rounding of what is written is Clado's: the quantizers here do nothing but
/// rank.
/// </para>
/// </summary>
internal sealed class LimpqMetric : IMetric
{
    // What a step may change of a step size, as a share of it.
    internal const float Rate = 0.02f;

    // Deviations of the weights that a range begins with.
    private const double Deviations = 3;

    public string Name => "limpq";

    public string Description => "step sizes of quantizers, learned for all widths together";

    public string Source => "LIMPQ, arXiv 2203.08368: learned step sizes s(i, b); their gradient is LSQ's, arXiv 1902.08153, eq. 3";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context) => ShortTuning.ExpectedPasses(context, Rows(context).Max(own => own.Length) + 1);

    public MetricScores Measure(MetricContext context) => MetricScores.Of([.. StepSizes(context).Select(Math.Exp)]);

    /// <summary>Logarithms of the step sizes when they are learned. Shape: [candidates].</summary>
    internal static double[] StepSizes(MetricContext context)
    {
        using var tuning = new ShortTuning(context);
        int[][] rows = Rows(context);
        float[] sizes =
            [.. context.Candidates.Select((own, row) => (float)Math.Log(Begin(tuning.Weights[context.LayerOf[row]], own.Bits)))];
        var adam = new AdamOptimizer(new float[sizes.Length], new float[sizes.Length]);
        for (int step = 1; step <= tuning.Steps; step++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var slope = new float[sizes.Length];
            foreach (int[] chosen in Networks(rows, step))
            {
                Add(context, tuning.Weights, sizes, chosen, weights => tuning.Gradient(step, weights), slope);
            }
            adam.Step(slope, step);
            for (int row = 0; row < sizes.Length; row++)
            {
                sizes[row] -= Rate * slope[row];
            }
            tuning.Report();
        }
        return [.. sizes.Select(size => (double)size)];
    }

    /// <summary>The networks of a step: all layers at one width, width by width, and one of widths that are drawn.</summary>
    /// <param name="rows">Rows of every layer's candidates. Shape: [layers][widths].</param>
    /// <param name="step">Number of the step.</param>
    /// <returns>Row of each layer's candidate. Shape: [networks][layers].</returns>
    internal static IEnumerable<int[]> Networks(int[][] rows, int step)
    {
        var random = new Random(step);
        return
        [
            .. Enumerable.Range(0, rows.Max(own => own.Length)).Select(width =>
                rows.Select(own => own[Math.Min(width, own.Length - 1)]).ToArray()),
            [.. rows.Select(own => own[random.Next(own.Length)])],
        ];
    }

    /// <summary>Where a step size begins.</summary>
    /// <param name="weights">The weights. Shape: [parameters].</param>
    /// <param name="bits">The width.</param>
    internal static double Begin(float[] weights, int bits)
    {
        double mean = weights.Average(w => (double)w), deviation = Math.Sqrt(weights.Average(w => (w - mean) * (w - mean)));
        double range = Math.Abs(mean) + (Deviations * deviation);
        return (range > 0 ? range : 1) / Math.Pow(2, bits - 1);
    }

    private static int[][] Rows(MetricContext context) =>
        [.. Enumerable.Range(0, context.Candidates.Count).GroupBy(row => context.LayerOf[row]).Select(own => own.ToArray())];

    /// <summary>Adds the gradient by the logarithms of the step sizes that a network uses.</summary>
    private static void Add(
        MetricContext context, float[][] weights, float[] sizes, int[] chosen, Func<float[][], float[][]> gradient, float[] slope)
    {
        float Size(int row) => MathF.Exp(sizes[row]);
        float[][] gradients = gradient([.. chosen.Select((row, layer) =>
            Array.ConvertAll(weights[layer], w => Size(row) * Code(w / Size(row), context.Candidates[row].Bits)))]);
        foreach (var (layer, row) in chosen.Index())
        {
            float size = Size(row);
            double sum = 0;
            for (int i = 0; i < weights[layer].Length; i++)
            {
                sum += (double)gradients[layer][i] * Derivative(weights[layer][i] / size, context.Candidates[row].Bits);
            }
            slope[row] += (float)(size * sum);
        }
    }

    private static float Code(float value, int bits) => Math.Clamp(MathF.Round(value), Grid.Lowest(bits), Grid.Highest(bits));

    private static float Derivative(float value, int bits) =>
        value <= Grid.Lowest(bits) ? Grid.Lowest(bits) : value >= Grid.Highest(bits) ? Grid.Highest(bits) : MathF.Round(value) - value;
}
