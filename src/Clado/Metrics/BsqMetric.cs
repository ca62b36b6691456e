using System.Numerics.Tensors;
using Clado.Tuning;

namespace Clado.Metrics;

/// <summary>
/// BSQ: bits of the weights are variables of their own, and a group penalty pushes whole planes of them to zero (arXiv 2102.10462, its bit
/// representation and bit-level group lasso). What is left of a plane after some steps says how much the layer needs it:
/// <c>s(i, b) = Σ_k ‖B_ik‖</c> over the planes k that a width of b bits does not have.
/// <para>
/// With m planes, <c>w = sign · max|w| / (2^m − 1) · round(Σ_k 2^k B_k)</c> and B_k in [0, 2]; gradients go straight through the rounding.
/// The loss gets <c>α Σ_i (n_i m / Σ n) Σ_k ‖B_ik‖</c>: layers of more weights are pushed more, as in the paper.
/// </para>
/// <para>
/// Left out: the training that goes on until planes are empty, its re-quantization and adjustment of precisions, and what is trained
/// after. The paper's result is a choice, and α the way to another; here a choice follows from the solver, and α has one value, ours.
/// Deviations: a sign takes a bit, as in the candidates, and stays as it is, so that planes are of one sign; m is one less than the widest
/// width. Adam moves the bits, 32 steps on 128 images. The loss is cross-entropy where images have labels, else that of the run.
/// </para>
/// </summary>
internal sealed class BsqMetric : IMetric
{
    // What a step may change of a bit.
    internal const float Rate = 0.02f;

    /// <summary>α, the weight of the penalty.</summary>
    internal const float Penalty = 5e-3f;

    // Bits are rounded together and not one by one, so they may be larger than one.
    internal const float LargestBit = 2;

    // Bits of weights, and what the optimizer remembers of them.
    private const int Copies = 3;

    public string Name => "bsq";

    public string Description => "what a penalty on planes of bits leaves of those that a width drops";

    public string Source => "BSQ, arXiv 2102.10462: Σ ‖B_k‖ of the planes dropped, after steps on the loss and α Σ ‖B_k‖";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context) => ShortTuning.ExpectedPasses(context, networks: 1);

    public MetricScores Measure(MetricContext context)
    {
        double[][] norms = Norms(context);
        return MetricScores.Of([.. context.Candidates.Select((own, row) =>
            norms[context.LayerOf[row]] is var planes ? planes.Take(Math.Max(0, planes.Length + 1 - own.Bits)).Sum() : 0)]);
    }

    /// <summary>Norms of all planes when they are tuned, the lowest bit first. Shape: [layers][planes].</summary>
    internal static double[][] Norms(MetricContext context)
    {
        int planes = context.Candidates.Max(own => own.Bits) - 1;
        CheckMemory(context, planes);
        using var tuning = new ShortTuning(context);
        double all = tuning.Weights.Sum(own => (double)own.Length);
        PlaneBits[] layers = [.. tuning.Weights.Select(own => new PlaneBits(own, planes, (float)(Penalty * own.Length * planes / all)))];
        for (int step = 1; step <= tuning.Steps; step++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            float[][] gradients = tuning.Gradient(step, [.. layers.Select(layer => layer.Weights())]);
            int number = step;
            context.Inputs.Work.SideBySide.For(layers.Length, layer => layers[layer].Step(gradients[layer], number));
            tuning.Report();
        }
        return [.. layers.Select(layer => layer.Norms())];
    }

    private static void CheckMemory(MetricContext context, int planes)
    {
        long bytes = sizeof(float) * Copies * planes * context.Layers.Sum(layer => layer.Parameters);
        if (bytes > context.Inputs.Work.MemoryBytes / 2)
        {
            throw new CladoException(FormattableString.Invariant(
                $"the bits of all weights would take {bytes >> 20:N0} MiB, more than half of the memory it may take"));
        }
    }

    /// <summary>The bits of a layer's weights.</summary>
    private sealed class PlaneBits
    {
        private readonly bool[] isNegative;
        private readonly float unit, penalty;
        private readonly float[][] planes;
        private readonly AdamOptimizer[] optimizers;

        public PlaneBits(float[] weights, int count, float penalty)
        {
            this.penalty = penalty;
            int most = (1 << count) - 1;
            unit = Math.Abs(TensorPrimitives.MaxMagnitude(weights)) / most;
            isNegative = Array.ConvertAll(weights, w => w < 0);
            int[] codes = Array.ConvertAll(weights, w => unit > 0 ? (int)MathF.Round(Math.Abs(w) / unit) : 0);
            planes = [.. Enumerable.Range(0, count).Select(k => Array.ConvertAll(codes, code => (float)((code >> k) & 1)))];
            optimizers = [.. planes.Select(own => new AdamOptimizer(new float[own.Length], new float[own.Length]))];
        }

        public float[] Weights()
        {
            var sum = new float[isNegative.Length];
            foreach (var (k, plane) in planes.Index())
            {
                TensorPrimitives.MultiplyAdd(plane, (float)(1 << k), sum, sum);
            }
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] = MathF.Round(sum[i]) * (isNegative[i] ? -unit : unit);
            }
            return sum;
        }

        public void Step(float[] gradient, int number)
        {
            double[] norms = Norms();
            var slope = new float[gradient.Length];
            foreach (var (k, plane) in planes.Index())
            {
                float factor = unit * (1 << k), shrink = norms[k] > 0 ? (float)(penalty / norms[k]) : 0;
                for (int i = 0; i < slope.Length; i++)
                {
                    slope[i] = (gradient[i] * (isNegative[i] ? -factor : factor)) + (shrink * plane[i]);
                }
                optimizers[k].Step(slope, number);
                TensorPrimitives.MultiplyAdd(slope, -Rate, plane, plane);
                TensorPrimitives.Max(plane, 0, plane);
                TensorPrimitives.Min(plane, LargestBit, plane);
            }
        }

        public double[] Norms() => [.. planes.Select(plane => Math.Sqrt(plane.Sum(bit => (double)bit * bit)))];
    }
}
