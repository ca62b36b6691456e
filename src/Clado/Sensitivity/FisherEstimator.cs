using Clado.Candidates;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>
/// All candidates and all pairs from gradients of the outputs (docs/method.md, "Fisher"): a few passes back, however many layers and widths
/// there are. Where the outputs' shifts follow along those directions that matter most, the loss of <c>additive</c> is taken of them; else
/// vectors are drawn whose mean outer product is the loss's curvature.
/// </summary>
internal sealed class FisherEstimator : Estimator<float>
{
    // Tensors of all activations that live at once: those of the pass forward, and gradients by them.
    private const int LiveActivations = 2;

    // Gradients by the largest weight that live at once.
    private const int LiveGradients = 6;

    public override string Name => "fisher";

    public override bool GoesBack => true;

    public override void Check(NetworkCuts cuts) => LinearizedModel.Of(cuts.Graph, cuts.Readout, LayerChanges.None(cuts), passes: 1);

    public override EstimatorMemory Memory(NetworkCuts cuts, CandidateSet candidates)
    {
        long weights = cuts.Layers.Sum(layer => layer.Parameters), changes = candidates.Items.Sum(candidate => candidate.Layer.Parameters);
        long activations = cuts.Graph.Tensors.Values.Sum(tensor => tensor.ElementCount);
        // An image's gradients by the weights of some layers, of every pass.
        long gradients = cuts.Layers.Max(layer => layer.Parameters) * LiveGradients;
        return new EstimatorMemory(
            MemoryPlan.SessionBytes(sizeof(float) * 2 * weights) + (sizeof(float) * changes),
            sizeof(float) * ((LiveActivations * activations) + gradients))
        {
            IsWhole = true,
        };
    }

    public override IReadOnlyList<UnitSize> Units(MeasurementTask task)
    {
        var candidates = task.Inputs.Candidates;
        int passes = new OutputDirections(task).Count;
        double products = candidates.LayerOf.CountBy(layer => layer)
            .Sum(own => LayerProducts.Macs(own.Value, passes, task.Cuts.Layers[own.Key].Macs));
        return
        [
            new UnitSize(passes * candidates.Items.Count, (passes * (double)task.Cuts.Macs) + products)
            {
                Sums = ChannelMoments.Kinds * (task.Channels?.Count ?? 0),
            },
            .. task.Inputs.Forward.Select(row =>
                new UnitSize(ForwardDifference.ValueCount(passes), task.Cuts.Suffixes[candidates.LayerOf[row]].Macs)),
        ];
    }

    /// <summary>
    /// Derivatives along the directions, Shape: [images · candidates · directions]; where rows are measured, their sums follow.
    /// </summary>
    protected override float[] Measure(BatchMeasurement batch, int row)
    {
        var task = batch.Loaded.Task;
        int size = task.Cuts.Readout.ElementCount;
        if (row > 0)
        {
            return ForwardDifference.Measure(batch, task.Inputs.Forward[row - 1]);
        }
        var state = batch.Linearized;
        var values = new float[state.Parts.Count][];
        var sums = task.Channels is { Count: > 0 } channels ? new ChannelSums(channels, batch) : null;
        var work = task.Inputs.Work.SideBySide;
        // Processors share a batch by its parts, and the one part that a GPU has by its images.
        var within = values.Length == 1 ? work : work.OneByOne;
        work.For(values.Length, i =>
        {
            var part = state.Parts[i];
            var products = batch.Loaded.Linearized.Backward(
                part, [.. batch.Directions.Select(all => all[(part.First * size)..((part.First + part.Batch.Count) * size)])], within);
            values[i] = products.Candidates;
            sums?.Add(i, products.Channels);
            batch.Loaded.Progress.Add(batch.Plan.Units[row].Macs * part.Batch.Count / batch.ImageCount);
        });
        return [.. values.SelectMany(own => own), .. sums?.Total() ?? []];
    }

    public override double[] ChannelSums(BatchMeasurement batch)
    {
        int count = ChannelMoments.Kinds * (batch.Loaded.Task.Channels?.Count ?? 0);
        return Array.ConvertAll(Values(batch, batch.Plan.Units[0])[^count..], value => (double)value);
    }

    protected override MatrixMoments Combine(BatchMeasurement batch, float[][] units)
    {
        var task = batch.Loaded.Task;
        var directions = new OutputDirections(task);
        int images = batch.ImageCount, n = batch.Candidates.Items.Count;
        var derivatives = new float[n][];
        for (int row = 0; row < n; row++)
        {
            derivatives[row] = new float[images * directions.Count];
            for (int image = 0; image < images; image++)
            {
                units[0].AsSpan(((image * n) + row) * directions.Count, directions.Count)
                    .CopyTo(derivatives[row].AsSpan(image * directions.Count));
            }
        }
        // The true shifts and losses of candidates that were measured forward.
        var forward = task.Inputs.Forward.Zip(units.Skip(1)).ToArray();
        foreach (var (row, values) in forward)
        {
            derivatives[row] = [.. values.Where((_, i) => i % (directions.Count + 1) < directions.Count)];
        }
        var moments = directions.IsWhole ? AdditiveEstimator.Combined(batch, derivatives)
            : directions.IsLeading ? OfLeading(batch, derivatives, directions.Slopes)
            : DrawnMoments.Of(derivatives, images, task.HasSlope);
        foreach (var (row, values) in forward)
        {
            var increases = values.Where((_, i) => i % (directions.Count + 1) == directions.Count);
            moments[row, row] = Moments.Of(increases.Select(increase => 2.0 * increase));
        }
        return moments;
    }

    /// <summary>
    /// The loss of shifts along the directions of largest curvature; what of the curvature they leave out is that of each candidate alone.
    /// </summary>
    private static MatrixMoments OfLeading(BatchMeasurement batch, float[][] derivatives, int slopes)
    {
        int images = batch.ImageCount, directions = derivatives[0].Length / images;
        var shifts = new LeadingShifts(batch.Loss, images, batch.StartOutputs.Length / images, directions - slopes);
        float[][] along = [.. derivatives.Select(own => own.Where((_, i) => i % directions >= slopes).ToArray())];
        var moments = shifts.Loss.CrossTerms(
            shifts.Of(along, isWhole: false), batch.Candidates.LayerOf, batch.Loaded.Task.Inputs.Work.Threads);
        foreach (var (row, shift) in shifts.Of(along, isWhole: true).Index())
        {
            var increases = shifts.Loss.Increases(shift, shift.Length / images);
            moments[row, row] = Moments.Of(increases.Select((increase, image) =>
                2 * (increase + (slopes > 0 ? derivatives[row][image * directions] : 0))));
        }
        return moments;
    }
}
