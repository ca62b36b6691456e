using System.Runtime.InteropServices;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;

namespace Clado.Sensitivity.Remote;

/// <summary>A task of another machine, ready to have its units measured here.</summary>
internal sealed class ServedTask : IDisposable
{
    private readonly RecordStore records = new();
    private readonly LoadedTask loaded;
    private readonly MeasurementPlan plan;

    private ServedTask(MeasurementTask task, int batchSize)
    {
        plan = new MeasurementPlan(task, batchSize);
        loaded = new LoadedTask(task, plan, records);
    }

    /// <summary>Reads a task.</summary>
    /// <param name="description">What <see cref="RemoteTask.Description"/> is. Shape: [bytes].</param>
    /// <param name="file">Opens the file of a hash.</param>
    /// <param name="resources">Threads and memory of this machine.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="CladoException">It does not fit into memory.</exception>
    public static ServedTask Read(
        ReadOnlySpan<byte> description, Func<string, Stream> file, Resources resources, CancellationToken cancellation)
    {
        var state = TaskFile.Read(description);
        using var model = file(state.Model);
        using var candidates = file(state.Candidates);
        var images = new ImageSet("", [.. state.Images.Select(image => new ImageItem(image.Name, image.Name, image.Label))]);
        var preprocessing = Preprocessing.FromJson(state.Preprocessing, "preprocessing");
        var work = new Workload(images, preprocessing) { Resources = resources, Cancellation = cancellation };
        var inputs = new MeasurementInputs(
            Graph.Of(ModelProto.Parser.ParseFrom(model), state.Graph), CandidateBytes.Read(candidates), work)
        {
            Part = state.Part,
            Forward = state.Forward,
            Rows = state.Rows,
            Scales = state.Scales,
            BatchSize = state.BatchSize,
        };
        var options = new SensitivityOptions { Estimator = state.Estimator, Loss = state.Loss };
        return new ServedTask(new MeasurementTask(inputs, state.OperatingPoint, options), state.BatchSize);
    }

    /// <summary>Runs a batch through the network that is measured around, so that its units can be measured.</summary>
    /// <param name="batch">The batch. Range: [0, batches).</param>
    /// <param name="pixels">What <see cref="RemoteTask.Input"/> is. Shape: [bytes].</param>
    public ServedBatch Open(int batch, ReadOnlySpan<byte> pixels) =>
        new(loaded.Open(plan[batch], MemoryMarshal.Cast<byte, float>(pixels).ToArray()));

    public void Dispose()
    {
        loaded.Dispose();
        records.Dispose();
    }
}

/// <summary>A batch whose units can be measured.</summary>
/// <param name="batch">The batch; taken over.</param>
internal sealed class ServedBatch(BatchMeasurement batch) : IDisposable
{
    /// <summary>Measures a unit. Safe to call from several threads.</summary>
    /// <param name="row">Its position in the batch. Range: [0, units).</param>
    /// <returns>Shape: [bytes].</returns>
    public byte[] Measure(int row) => batch.Loaded.Task.Estimator.Bytes(batch, batch.Plan.Units[row]);

    public void Dispose() => batch.Dispose();
}
