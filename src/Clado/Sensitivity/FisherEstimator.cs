using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Clado.Candidates;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using static System.FormattableString;

namespace Clado.Sensitivity;

/// <summary>
/// All candidates and all pairs from gradients of the outputs (docs/method.md, "Fisher"): a few passes back, however many layers and widths
/// there are. Of few outputs every one is differentiated: the shifts that follow are those of <c>additive</c> at first order, and its loss
/// is taken of them. Of many, vectors are drawn whose mean outer product is the loss's curvature.
/// </summary>
internal sealed class FisherEstimator : Estimator<float>
{
    // Networks with at most so many outputs have all of them differentiated.
    private const int MostOutputs = 32;

    // Vectors drawn an image where there are more outputs.
    private const int Draws = 4;

    // A pass back costs one by the activations and one by the weights.
    private const int PassesOfOneBack = 2;

    // Tensors of all activations that live at once: those of the pass forward, and gradients by them.
    private const int LiveActivations = 2;

    // Tensors of the size of a layer's gradient that live at once: what it is a product of, itself, and itself as rows.
    private const int LiveGradients = 3;

    public override string Name => "fisher";

    public override void Check(NetworkCuts cuts) => LinearizedModel.Of(cuts.Graph, cuts.Readout, [.. cuts.Layers.Index().SelectMany(
        layer => NetworkCuts.ConstantsOf(layer.Item).Select(name => new LayerConstant(name, layer.Index, 1)))]);

    public override EstimatorMemory Memory(NetworkCuts cuts, CandidateSet candidates)
    {
        long changes = candidates.Items.Sum(candidate => candidate.Layer.Parameters), weights = cuts.Layers.Sum(layer => layer.Parameters);
        long session = MemoryPlan.SessionBytes(sizeof(float) * weights * (1 + LinearizedModel.Passes));
        long activations = cuts.Graph.Tensors.Values.Sum(tensor => tensor.ElementCount);
        return new EstimatorMemory(
            (sizeof(float) * changes) + session,
            sizeof(float) * ((LiveActivations * activations) + (LiveGradients * cuts.Layers.Max(GradientElements))));
    }

    public override IReadOnlyList<UnitSize> Units(MeasurementTask task)
    {
        double macs = (1.0 + (PassesOfOneBack * LinearizedModel.Passes)) * task.Cuts.Macs;
        return [.. Enumerable.Range(0, DirectionCount(task)).Chunk(LinearizedModel.Passes)
            .Select(passes => new UnitSize(passes.Length * task.Inputs.Candidates.Items.Count, macs))];
    }

    /// <summary>Derivatives along two directions. Shape: [directions · images · candidates].</summary>
    protected override float[] Measure(BatchMeasurement batch, int row)
    {
        var task = batch.Loaded.Task;
        int first = row * LinearizedModel.Passes, count = Math.Min(LinearizedModel.Passes, DirectionCount(task) - first);
        float[][] directions = [.. Enumerable.Range(first, count).Select(direction => Direction(batch, direction))];
        var linearized = batch.Loaded.Linearized;
        var products = linearized.Run(batch.Start.Batch, batch.StartOutputs, directions);
        batch.Loaded.Progress.Add(batch.Plan.Units[row].Macs);
        int n = linearized.Rows.Count;
        var values = new float[count * batch.ImageCount * n];
        for (int i = 0; i < values.Length; i++)
        {
            values[(i / n * n) + linearized.Rows[i % n]] = products[i / n / batch.ImageCount][i % (n * batch.ImageCount)];
        }
        return values;
    }

    protected override MatrixMoments Combine(BatchMeasurement batch, float[][] units)
    {
        var task = batch.Loaded.Task;
        int images = batch.ImageCount, n = batch.Candidates.Items.Count, directions = DirectionCount(task);
        float Derivative(int row, int image, int direction) =>
            units[direction / LinearizedModel.Passes][(((direction % LinearizedModel.Passes * images) + image) * n) + row];
        float[][] derivatives = [.. Enumerable.Range(0, n).Select(row => Enumerable.Range(0, images * directions)
            .Select(i => Derivative(row, i / directions, i % directions)).ToArray())];
        return IsWhole(task) ? AdditiveEstimator.Combined(batch, derivatives) : DrawnMoments.Of(derivatives, images, task.HasSlope);
    }

    private static bool IsWhole(MeasurementTask task) => task.Cuts.Readout.ElementCount <= MostOutputs;

    private static int DirectionCount(MeasurementTask task) =>
        IsWhole(task) ? task.Cuts.Readout.ElementCount : Draws + (task.HasSlope ? 1 : 0);

    /// <summary>
    /// Of few outputs, one of them; else the loss's slope, where it has one, and vectors that are drawn. Shape: [images · outputs].
    /// </summary>
    private static float[] Direction(BatchMeasurement batch, int index)
    {
        var task = batch.Loaded.Task;
        int size = task.Cuts.Readout.ElementCount;
        var direction = new float[batch.ImageCount * size];
        for (int image = 0; image < batch.ImageCount; image++)
        {
            var own = direction.AsSpan(image * size, size);
            if (IsWhole(task))
            {
                own[index] = 1;
            }
            else if (task.HasSlope && index == 0)
            {
                batch.Loss.Slope(image, own);
            }
            else
            {
                batch.Loss.Draw(image, RandomOf(batch.Start.Batch.Items[image], index - (task.HasSlope ? 1 : 0)), own);
            }
        }
        return direction;
    }

    /// <summary>What is drawn depends on the image's name and on nothing else.</summary>
    private static Random RandomOf(ImageItem image, int draw) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(Invariant($"{draw}:{image.Name}")))));

    /// <summary>An image's gradient by a layer's weight, or what it is a product of where that is larger.</summary>
    private static long GradientElements(QuantizableLayer layer) =>
        Math.Max(layer.Parameters, layer.Macs * layer.Groups / Math.Max(1, layer.ChannelCount));
}
