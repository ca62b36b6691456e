using Clado.Candidates;
using Clado.Execution;
using Clado.Images;
using Clado.Inference;
using Clado.Records;

namespace Clado.Sensitivity;

/// <summary>A task on this machine: its networks, ready to run, and its records. Any unit of its plan can be measured with it.</summary>
internal sealed class LoadedTask : IDisposable
{
    private readonly ImageBatches batches;
    private readonly Lazy<ModelRunner>? reference;
    private readonly Lazy<LinearizedNetwork> linearized;

    /// <summary>Makes the task ready; nothing runs yet.</summary>
    /// <param name="task">What is measured.</param>
    /// <param name="plan">Its units.</param>
    /// <param name="records">Finished units: read and added to.</param>
    /// <exception cref="CladoException">Batches of that size do not fit into memory.</exception>
    public LoadedTask(MeasurementTask task, MeasurementPlan plan, IRecordStore records)
    {
        (Task, Records, batches) = (task, records, task.Batches(plan.BatchSize));
        var (graph, candidates, work) = task.Inputs;
        var memory = task.MemoryNeeds().Plan(plan.BatchSize, work.MemoryBytes);
        Progress = new WorkProgress(plan.MacsPerImage * work.Images.Items.Count, work.Progress);
        var source = OutputSource.Float(graph.File);
        var around = task.IsFloat ? graph : FakeQuantizedGraph.Of(graph, task.OperatingPoint.Select(row => candidates.Items[row]));
        var kind = task.IsFloat ? source : OutputSource.Quantized(graph.File);
        linearized = new(() => new LinearizedNetwork(around, task, kind, memory.IsTight));
        reference = task.IsFloat ? null : new(() => new ModelRunner(graph, task.Cuts.Readout, source, provider: work.Provider));
        Network = new PerturbedNetwork(around, task.Cuts, kind, memory, work.Provider);
    }

    /// <summary>What is measured.</summary>
    public MeasurementTask Task { get; }

    /// <summary>Finished units.</summary>
    public IRecordStore Records { get; }

    /// <summary>The network that is measured around, and its suffixes.</summary>
    public PerturbedNetwork Network { get; }

    /// <summary>The derivative of its outputs; made when it is first asked for.</summary>
    public LinearizedNetwork Linearized => linearized.Value;

    /// <summary>Told of every pass.</summary>
    public WorkProgress Progress { get; }

    /// <summary>Runs a batch through the network that is measured around, so that its units can be measured.</summary>
    /// <param name="plan">The batch.</param>
    public BatchMeasurement Open(BatchPlan plan) => Open(plan, batches.Load(plan.Index));

    /// <summary>The same with images that were decoded elsewhere.</summary>
    /// <param name="plan">The batch.</param>
    /// <param name="pixels">Input values. Shape: [images, …input].</param>
    public BatchMeasurement Open(BatchPlan plan, float[] pixels) => Open(plan, batches.Of(plan.Index, pixels));

    private BatchMeasurement Open(BatchPlan plan, ImageBatch batch)
    {
        var (states, outputs) = Start(batch);
        try
        {
            var loss = Task.Losses.Create(reference?.Value.Run(batch) ?? outputs, outputs, batch);
            Progress.Add(Task.BaseMacs * batch.Count);
            return new BatchMeasurement(this, plan, batch.Items, states, outputs, loss);
        }
        catch
        {
            states.Dispose();
            throw;
        }
    }

    private (BatchStates States, float[] Outputs) Start(ImageBatch batch)
    {
        var backward = Task.Estimator.GoesBack ? Linearized.Forward(batch, Task.Inputs.Work.SideBySide) : null;
        try
        {
            var forward = backward is null || Task.Inputs.Forward.Count > 0 ? Network.Run(batch) : null;
            // Shifts are from the outputs of the network whose suffixes run: another session may round otherwise.
            return (new BatchStates(forward, backward), forward is null ? backward!.Outputs : Network.Outputs(forward));
        }
        catch
        {
            backward?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Network.Dispose();
        if (linearized.IsValueCreated)
        {
            linearized.Value.Dispose();
        }
        if (reference is { IsValueCreated: true })
        {
            reference.Value.Dispose();
        }
    }
}
