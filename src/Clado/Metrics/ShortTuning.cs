using System.Numerics.Tensors;
using Clado.Images;

namespace Clado.Metrics;

/// <summary>
/// A short tuning of what layers' weights are made of: gradients of the loss by these weights, a few images a step, taken straight through
/// whatever made the weights (arXiv 1308.3432). Some papers read a layer's importance off what becomes of it; of their trainings, which
/// take days, this is the beginning.
/// </summary>
internal sealed class ShortTuning : IDisposable
{
    /// <summary>Images that it is done on, at most.</summary>
    public const int Images = 128;

    /// <summary>Images a step.</summary>
    public const int BatchSize = 8;

    /// <summary>Times that every image is seen.</summary>
    public const int Epochs = 2;

    private readonly MetricContext context;
    private readonly WeightGradients gradients;
    private readonly IReadOnlyList<ImageBatch> images;
    private readonly float[][] outputs;
    private int done;

    /// <summary>Runs the float network on the images.</summary>
    /// <param name="context">The network.</param>
    public ShortTuning(MetricContext context)
    {
        this.context = context;
        images = context.Images(Images);
        gradients = new WeightGradients(context, context.Layers, context.TrainingLoss);
        Weights = gradients.Weights();
        outputs = new float[images.Count][];
        context.Inputs.Work.SideBySide.For(images.Count, image => outputs[image] = gradients.Outputs(images[image], Weights));
    }

    /// <summary>The float weights of all layers. Shape: [layers][parameters].</summary>
    public float[][] Weights { get; }

    /// <summary>How many steps there are. Range: [1, inf).</summary>
    public int Steps => Epochs * StepsAnEpoch(images.Count);

    /// <summary>What it is expected to cost, full passes over the run's images.</summary>
    /// <param name="context">The network.</param>
    /// <param name="networks">Networks a step. Range: [1, inf).</param>
    public static double ExpectedPasses(MetricContext context, int networks)
    {
        int all = context.Inputs.Work.Images.Items.Count, own = Math.Min(Images, all);
        double shown = Epochs * StepsAnEpoch(own) * Math.Min(BatchSize, own);
        return ((ImageGradients.PassesAnImage * networks * shown) + own) / all;
    }

    /// <summary>The images of a step.</summary>
    /// <param name="step">Number of the step. Range: [1, Steps].</param>
    /// <param name="count">Images there are. Range: [1, inf).</param>
    /// <returns>Their positions. Shape: [images of a step].</returns>
    public static int[] Batch(int step, int count)
    {
        var (epoch, index) = Math.DivRem(step - 1, StepsAnEpoch(count));
        int[] order = [.. Enumerable.Range(0, count)];
        new Random(epoch).Shuffle(order);
        return [.. order.Skip(index * BatchSize).Take(BatchSize)];
    }

    /// <summary>The gradient of the mean loss of a step's images by all weights.</summary>
    /// <param name="step">Number of the step. Range: [1, Steps].</param>
    /// <param name="weights">Where it is taken. Shape: [layers][parameters].</param>
    /// <returns>Shape: [layers][parameters].</returns>
    public float[][] Gradient(int step, float[][] weights)
    {
        int[] batch = Batch(step, images.Count);
        float[][] sum = [.. weights.Select(own => new float[own.Length])];
        var work = context.Inputs.Work;
        // Whatever the number of threads, gradients are added up in the order of images.
        foreach (int[] group in batch.Chunk(work.Threads))
        {
            var found = new float[group.Length][][];
            work.SideBySide.For(group.Length, i => found[i] = gradients.Back(
                images[group[i]], weights, own => gradients.Slope(images[group[i]], outputs[group[i]], own)));
            foreach (float[][] image in found)
            {
                for (int layer = 0; layer < sum.Length; layer++)
                {
                    TensorPrimitives.MultiplyAdd(image[layer], 1f / batch.Length, sum[layer], sum[layer]);
                }
            }
        }
        return sum;
    }

    /// <summary>Says that a step is done.</summary>
    public void Report() => context.Report((double)++done / Steps);

    public void Dispose() => gradients.Dispose();

    private static int StepsAnEpoch(int images) => Math.Max(1, images / BatchSize);
}
