using Clado.Tuning;

namespace Clado.Metrics;

/// <summary>
/// DropBits of CPQ: bits are dropped at random while a network is trained, and the rates at which that happens are learned, with a penalty
/// on bits that are kept (arXiv 2109.02100, its learning of heterogeneous quantization levels). What a layer is likely to keep is what a
/// width takes from it: <c>s(i, b)</c> is the mean number of bits beyond b that are not dropped.
/// <para>
/// As built: <c>w = w_1 + Σ_j z_2 ⋯ z_j (w_j − w_{j−1})</c> of the candidates w_1, w_2, … of a layer, the narrowest first; a gate z_j is
/// drawn from the hard concrete distribution (arXiv 1712.01312, its equations of the gate and of the chance that it is open, with their β,
/// γ and ζ). The loss gets λ times the mean bits a weight that are kept.
/// </para>
/// <para>
/// Left out: the rest of CPQ (grids that are learned, the categorical forward pass, the multi-class straight-through estimator), weights
/// that are trained beside, and what is trained after; 32 steps on 128 images. Deviations: the paper drops the outer points of a grid; here
/// a dropped bit takes a layer to its candidate of the next smaller width, whose points are others. λ and where gates begin are ours. The
/// loss is cross-entropy where images have labels, else that of the run. How the paper writes its masks was not at hand: this is our
/// reading.
/// </para>
/// </summary>
internal sealed class DropBitsMetric : IMetric
{
    // What a step may change of the logarithm of a gate's odds.
    internal const float Rate = 0.1f;

    /// <summary>λ, the price of a bit a weight.</summary>
    internal const float Penalty = 0.1f;

    /// <summary>The logarithm of a gate's odds in the beginning: nearly all are open.</summary>
    internal const float Begin = 2;

    // β, γ and ζ of the hard concrete distribution.
    internal const double Temperature = 2.0 / 3, Lowest = -0.1, Highest = 1.1;

    public string Name => "dropbits";

    public string Description => "bits that a layer keeps where dropping them is learned";

    public string Source => "CPQ, arXiv 2109.02100: bits kept beyond b, by drop rates that are learned";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context) => ShortTuning.ExpectedPasses(context, networks: 1);

    public MetricScores Measure(MetricContext context)
    {
        double[][] gates = Gates(context);
        int first = 0;
        return MetricScores.Of([.. gates.SelectMany(own =>
        {
            int[] bits = [.. context.Candidates.Skip(first).Take(own.Length).Select(candidate => candidate.Bits)];
            first += own.Length;
            return Beyond(bits, [.. own.Select(Open)]);
        })]);
    }

    /// <summary>The chance that a gate is open.</summary>
    internal static double Open(double gate) => Sigmoid(gate - (Temperature * Math.Log(-Lowest / Highest)));

    /// <summary>Logarithms of the gates' odds when they are learned, one a candidate; the first of a layer has none and stays 0.</summary>
    /// <returns>Shape: [layers][widths].</returns>
    internal static double[][] Gates(MetricContext context)
    {
        using var tuning = new ShortTuning(context);
        double all = tuning.Weights.Sum(own => (double)own.Length);
        LayerGates[] layers = [.. context.Layers.Select((layer, index) =>
            new LayerGates(context, index, Penalty * layer.Parameters / all))];
        for (int step = 1; step <= tuning.Steps; step++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var random = new Random(step);
            float[][] gradients = tuning.Gradient(step, [.. layers.Select(layer => layer.Weights(random))]);
            int number = step;
            context.Inputs.Work.SideBySide.For(layers.Length, layer => layers[layer].Step(gradients[layer], number));
            tuning.Report();
        }
        return [.. layers.Select(layer => layer.Gates)];
    }

    /// <summary>Mean number of bits that are kept beyond each width.</summary>
    private static double[] Beyond(int[] bits, double[] open)
    {
        var beyond = new double[bits.Length];
        double kept = 1;
        for (int j = 1; j < bits.Length; j++)
        {
            kept *= open[j];
            for (int narrower = 0; narrower < j; narrower++)
            {
                beyond[narrower] += kept * (bits[j] - bits[j - 1]);
            }
        }
        return beyond;
    }

    private static double Sigmoid(double value) => 1 / (1 + Math.Exp(-value));

    /// <summary>The gates of a layer.</summary>
    private sealed class LayerGates
    {
        private readonly (int Row, float[] Change)[] widths;
        private readonly float[] weights, gates;
        private readonly int[] bits;
        private readonly double penalty;
        private readonly double[] values, slopes;
        private readonly AdamOptimizer adam;

        public LayerGates(MetricContext context, int layer, double penalty)
        {
            this.penalty = penalty;
            widths = [.. WeightErrors.OfLayer(context, layer)];
            weights = context.Weights(context.Layers[layer]);
            bits = [.. widths.Select(own => context.Candidates[own.Row].Bits)];
            gates = [.. widths.Select((_, j) => j == 0 ? 0 : Begin)];
            (values, slopes) = (new double[gates.Length], new double[gates.Length]);
            adam = new AdamOptimizer(new float[gates.Length], new float[gates.Length]);
        }

        public double[] Gates => Array.ConvertAll(gates, gate => (double)gate);

        /// <summary>The weights with gates drawn.</summary>
        public float[] Weights(Random random)
        {
            for (int j = 1; j < gates.Length; j++)
            {
                double noise = random.NextDouble();
                double soft = Sigmoid((Math.Log(noise) - Math.Log(1 - noise) + gates[j]) / Temperature);
                double wide = Lowest + ((Highest - Lowest) * soft);
                values[j] = Math.Clamp(wide, 0, 1);
                slopes[j] = wide is > 0 and < 1 ? (Highest - Lowest) * soft * (1 - soft) / Temperature : 0;
            }
            // The part of each candidate: what is kept up to it and dropped behind it.
            double[] kept = Kept(values);
            var sum = (float[])weights.Clone();
            for (int j = 0; j < gates.Length; j++)
            {
                float part = (float)(kept[j] - (j + 1 < gates.Length ? kept[j + 1] : 0));
                System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(widths[j].Change, part, sum, sum);
            }
            return sum;
        }

        public void Step(float[] gradient, int number)
        {
            double[] open = [.. gates.Select((gate, j) => j == 0 ? 1 : Open(gate))], mean = Kept(open), drawn = Kept(values);
            double[] products = [.. widths.Select(own => Product(gradient, own.Change))];
            var slope = new float[gates.Length];
            for (int gate = 1; gate < gates.Length; gate++)
            {
                double sum = 0, bitsKept = 0;
                for (int j = gate; j < gates.Length; j++)
                {
                    double others = drawn[gate - 1];
                    for (int other = gate + 1; other <= j; other++)
                    {
                        others *= values[other];
                    }
                    sum += others * (products[j] - products[j - 1]);
                    bitsKept += mean[j] * (bits[j] - bits[j - 1]);
                }
                slope[gate] = (float)((sum * slopes[gate]) + (penalty * bitsKept * (1 - open[gate])));
            }
            adam.Step(slope, number);
            for (int gate = 1; gate < gates.Length; gate++)
            {
                gates[gate] -= Rate * slope[gate];
            }
        }

        /// <summary>Products of the gates up to each width; 1 for the first. Shape: [widths].</summary>
        private static double[] Kept(double[] own)
        {
            var kept = new double[own.Length];
            kept[0] = 1;
            for (int j = 1; j < own.Length; j++)
            {
                kept[j] = kept[j - 1] * own[j];
            }
            return kept;
        }

        private static double Product(float[] gradient, float[] change)
        {
            double sum = 0;
            for (int i = 0; i < gradient.Length; i++)
            {
                sum += (double)gradient[i] * change[i];
            }
            return sum;
        }
    }
}
