using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;

namespace Clado.Tuning;

/// <summary>
/// Tunes codes, scales and biases of a whole network by gradients of the loss (docs/tuning.md). Its aim are the float network's answers on
/// the same images, so that none needs a label. After every epoch images that were held back tell what it is worth.
/// </summary>
internal sealed class NetworkTuning : IDisposable
{
    /// <summary>Times that every image is seen where nobody says.</summary>
    public const int Epochs = 16;

    /// <summary>Passes that an epoch costs: the float network, the quantized one forward, and back twice that.</summary>
    public const int PassesPerEpoch = 4;

    // Images a step, and of those how many run at once: what is summed in which order does not depend on the number of threads.
    private const int BatchSize = 32;
    private const int ImagesAtOnce = 8;

    // Steps until the rate is at its largest: what the optimizer remembers of the first gradients is mostly chance.
    private const int WarmUp = 10;

    private readonly TuningTask task;
    private readonly Readout readout;
    private readonly IReadOnlyList<Candidate> tuned;
    private readonly float[][] weights;
    private readonly TuningImages images;
    private readonly LossFactory losses;
    private readonly TunedNetwork network;
    private readonly ModelRunner teacher;
    private readonly NetworkLosses judge;

    /// <summary>Makes the networks ready.</summary>
    /// <param name="task">What is tuned.</param>
    /// <exception cref="CladoException">An operator has no gradient.</exception>
    public NetworkTuning(TuningTask task)
    {
        (this.task, readout, tuned) = (task, Readout.Of(task.Graph), task.Tuned);
        weights = [.. tuned.Select(layer => TensorData.ReadSingles(task.Graph.File, task.Graph.Initializers[layer.Layer.Weight]))];
        images = new TuningImages(task.Graph, task.Images);
        losses = new LossFactory(task.Graph, readout, task.Images.Images, task.Loss, task.Scales);
        judge = new NetworkLosses(task.Graph, task.Loss, task.Scales, task.HeldBack) { KeepsBatches = true };
        network = new TunedNetwork(task.Network, readout, tuned, OutputSource.Quantized(task.Graph.File));
        try
        {
            teacher = new ModelRunner(task.Graph, readout, OutputSource.Float(task.Graph.File));
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Tunes, or goes on.</summary>
    /// <param name="from">Where it stands; null at the beginning. Its layers are changed.</param>
    /// <param name="keep">Is given the state after every epoch.</param>
    /// <returns>The state after the last epoch.</returns>
    /// <exception cref="CladoException">An output or a gradient is NaN or infinite.</exception>
    public TuningState Run(TuningState? from, Action<TuningState> keep)
    {
        var state = from ?? Begin();
        for (int epoch = state.Epoch + 1; epoch <= task.Epochs && tuned.Count > 0; epoch++)
        {
            TunedLayer[] layers = [.. tuned.Select((layer, i) => new TunedLayer(layer, state.Layers[i], weights[i]))];
            Run(layers, epoch);
            Candidate[] now = [.. layers.Select(layer => layer.Now())];
            double[] own = Losses(now);
            bool isBest = own.Average() < state.Losses[1].Average();
            state = state with { Epoch = epoch };
            state = isBest ? state with { Best = epoch, Chosen = now, Losses = [state.Losses[0], own] } : state;
            keep(state);
            task.Images.Progress?.Report((double)epoch / task.Epochs);
        }
        return state;
    }

    public void Dispose()
    {
        network.Dispose();
        teacher.Dispose();
    }

    private TuningState Begin()
    {
        double[] before = Losses(tuned);
        return new TuningState(0, [.. tuned.Zip(weights, TunedLayer.Begin)], 0, tuned, [before, before]);
    }

    /// <summary>Loss on the images held back. Shape: [images].</summary>
    private double[] Losses(IReadOnlyList<Candidate> now)
    {
        using var runner = judge.Runner(
            FakeQuantizedGraph.Of(task.Network, task.With(now)), OutputSource.Quantized(task.Graph.File));
        return judge.Measure([runner], ImagesAtOnce, null)[0];
    }

    private void Run(TunedLayer[] layers, int epoch)
    {
        int[] order = images.Order(epoch);
        int size = Math.Min(BatchSize, order.Length), steps = order.Length / size;
        for (int step = 0; step < steps; step++)
        {
            int number = ((epoch - 1) * steps) + step + 1;
            double falling = 0.5 * (1 + Math.Cos(Math.PI * (number - 1) / (steps * task.Epochs)));
            float rate = (float)(falling * Math.Min(1, (double)number / WarmUp));
            Candidate[] now = [.. layers.Select(layer => layer.Now())];
            var gradients = Gradients(now, epoch, order.AsMemory(step * size, size));
            task.Images.SideBySide.For(layers.Length, i =>
            {
                var (weight, bias) = gradients[i];
                CheckFinite(weight, layers[i].Start);
                layers[i].Step(now[i], weight, bias, number, rate);
            });
            task.Images.Progress?.Report((epoch - 1 + ((step + 1.0) / steps)) / task.Epochs);
        }
    }

    /// <summary>Mean gradients over some images, which run a few at a time. Shape: [tuned layers].</summary>
    private (float[] Weight, float[] Bias)[] Gradients(Candidate[] now, int epoch, ReadOnlyMemory<int> positions)
    {
        using var values = TensorFeed.Constants(now.Select(layer => (layer, layer.Dequantize(), layer.Bias)));
        int atOnce = task.Network.HasFreeBatch ? ImagesAtOnce : 1, count = positions.Length;
        var parts = new (float[] Weight, float[] Bias)[(count + atOnce - 1) / atOnce][];
        task.Images.SideBySide.For(parts.Length, part =>
        {
            int first = part * atOnce;
            var batch = images.Batch(epoch, positions.Span.Slice(first, Math.Min(atOnce, count - first)));
            float[] aim = teacher.Run(batch);
            parts[part] = network.Run(batch, values, outputs => Slopes(losses.Create(aim, outputs, batch), batch.Count, count));
        });
        return TunedNetwork.Sum(parts);
    }

    /// <summary>Gradients of the mean loss by the outputs of some of its images. Shape: [images · elements].</summary>
    private float[] Slopes(OutputLoss loss, int count, int all)
    {
        int size = readout.ElementCount;
        var slopes = new float[count * size];
        for (int image = 0; image < count; image++)
        {
            loss.Slope(image, slopes.AsSpan(image * size, size));
        }
        TensorPrimitives.Divide(slopes, all, slopes);
        return slopes;
    }

    private void CheckFinite(float[] gradient, Candidate layer)
    {
        // The largest magnitude is NaN where any value is.
        if (!float.IsFinite(TensorPrimitives.MaxMagnitude(gradient)))
        {
            throw new CladoException($"{Path.GetFileName(task.Graph.File)}: the gradient by the weight of layer '{layer.Layer.Name}' "
                + $"is NaN or infinite; leave {Settings.Tune} out for this model");
        }
    }
}
