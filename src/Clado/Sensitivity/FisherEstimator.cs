using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Clado.Candidates;
using Clado.Execution;
using Clado.Images;
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

    // Passes back of one run: more would want more memory, and fewer would apply the layers to their changes more often.
    private const int MostPasses = 10;

    // Images a run: fewer than a batch has, so that processors share it and gradients of few are held. It may change last bits.
    private const int ImagesAtOnce = 8;

    // Tensors of all activations that live at once: those of the pass forward, and gradients by them.
    private const int LiveActivations = 2;

    public override string Name => "fisher";

    public override void Check(NetworkCuts cuts) => LinearizedModel.Of(cuts.Graph, cuts.Readout, LayerChanges.None(cuts), passes: 1);

    public override EstimatorMemory Memory(NetworkCuts cuts, CandidateSet candidates, Provider provider)
    {
        long weights = cuts.Layers.Sum(layer => layer.Parameters), changes = candidates.Items.Sum(candidate => candidate.Layer.Parameters);
        long activations = cuts.Graph.Tensors.Values.Sum(tensor => tensor.ElementCount);
        long largest = cuts.Layers.SelectMany(layer => layer.Nodes).Select(node => cuts.Graph.Nodes[node].Output[0])
            .Max(output => cuts.Graph.Tensors[output].ElementCount);
        // Of the largest layer the changed outputs of all candidates and the gradients of all passes, each as they come and side by side.
        long beside = 2 * largest * (MostPasses + (candidates.Items.Count / cuts.Layers.Count));
        return new EstimatorMemory(
            MemoryPlan.SessionBytes(sizeof(float) * (weights + weights + changes))
                + (ImagesHeld(cuts, provider) * sizeof(float) * ((LiveActivations * activations) + beside)), 0);
    }

    public override IReadOnlyList<UnitSize> Units(MeasurementTask task)
    {
        var candidates = task.Inputs.Candidates;
        int passes = PassCount(task);
        double macs = ((1.0 + passes) * task.Cuts.Macs) + candidates.LayerOf.Sum(layer => task.Cuts.Layers[layer].Macs);
        return [.. Enumerable.Range(0, DirectionCount(task)).Chunk(passes)
            .Select(own => new UnitSize(own.Length * candidates.Items.Count, macs)),
            .. task.Inputs.Forward.Select(row => new UnitSize(
                ForwardDifference.ValueCount(DirectionCount(task)), task.Cuts.Suffixes[candidates.LayerOf[row]].Macs))];
    }

    /// <summary>Passes back of one run: as many in each as fit, evenly.</summary>
    public static int PassCount(MeasurementTask task)
    {
        int directions = DirectionCount(task), runs = (directions + MostPasses - 1) / MostPasses;
        return (directions + runs - 1) / runs;
    }

    /// <summary>Derivatives along some directions. Shape: [images · candidates · directions].</summary>
    protected override float[] Measure(BatchMeasurement batch, int row)
    {
        var task = batch.Loaded.Task;
        if (row >= RunCount(task))
        {
            return ForwardDifference.Measure(
                batch, task.Inputs.Forward[row - RunCount(task)],
                [.. Enumerable.Range(0, DirectionCount(task)).Select(direction => Direction(batch, direction))]);
        }
        int first = row * PassCount(task), count = Math.Min(PassCount(task), DirectionCount(task) - first);
        int size = task.Cuts.Readout.ElementCount, atOnce = AtOnce(task.Cuts, task.Inputs.Work.Provider);
        int parts = (batch.ImageCount + atOnce - 1) / atOnce;
        float[][] directions = [.. Enumerable.Range(first, count).Select(direction => Direction(batch, direction))];
        var values = new float[parts][];
        task.Inputs.Work.SideBySide.For(parts, part =>
        {
            int from = part * atOnce, images = Math.Min(atOnce, batch.ImageCount - from);
            float[] Own(float[] all) => all[(from * size)..((from + images) * size)];
            values[part] = batch.Loaded.Linearized.Run(
                batch.Start.Batch.Part(from, images), Own(batch.StartOutputs), [.. directions.Select(Own)]);
            batch.Loaded.Progress.Add(batch.Plan.Units[row].Macs * images / batch.ImageCount);
        });
        return [.. values.SelectMany(own => own)];
    }

    protected override MatrixMoments Combine(BatchMeasurement batch, float[][] units)
    {
        var task = batch.Loaded.Task;
        int images = batch.ImageCount, n = batch.Candidates.Items.Count, directions = DirectionCount(task), passes = PassCount(task);
        var derivatives = new float[n][];
        for (int row = 0; row < n; row++)
        {
            derivatives[row] = new float[images * directions];
            for (int i = 0; i < derivatives[row].Length; i++)
            {
                var (image, direction) = (i / directions, i % directions);
                int own = units[direction / passes].Length / (images * n);
                derivatives[row][i] = units[direction / passes][(((image * n) + row) * own) + (direction % passes)];
            }
        }
        // The true shifts and losses of candidates that were measured forward.
        var forward = task.Inputs.Forward.Index().Select(f => (Row: f.Item, Values: units[RunCount(task) + f.Index])).ToArray();
        foreach (var (row, values) in forward)
        {
            derivatives[row] = [.. values.Where((_, i) => i % (directions + 1) < directions)];
        }
        var moments = IsWhole(task)
            ? AdditiveEstimator.Combined(batch, derivatives) : DrawnMoments.Of(derivatives, images, task.HasSlope);
        foreach (var (row, values) in forward)
        {
            moments[row, row] = Moments.Of(values.Where((_, i) => i % (directions + 1) == directions).Select(increase => 2.0 * increase));
        }
        return moments;
    }

    private static int RunCount(MeasurementTask task) => (DirectionCount(task) + PassCount(task) - 1) / PassCount(task);

    /// <summary>Images of a run: on a GPU, which one run has to fill, what is a batch there.</summary>
    private static int AtOnce(NetworkCuts cuts, Provider provider) =>
        provider == Provider.Cuda ? Inference.BatchSize.Of(cuts.TapElementCount, provider) : ImagesAtOnce;

    /// <summary>Images whose gradients live at once: on a GPU one run of the session follows the other.</summary>
    private static int ImagesHeld(NetworkCuts cuts, Provider provider) =>
        AtOnce(cuts, provider) * (provider == Provider.Cuda ? 1 : Environment.ProcessorCount);

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
}
