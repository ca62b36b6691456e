using Clado.Activations;
using Clado.Allocation;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Layers;
using Clado.Packing;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;
using Clado.Tuning;

namespace Clado;

/// <content>What is known of the files of a run before they are written, and of their weights.</content>
public sealed partial class MeasuredRun
{
    /// <summary>Exact sizes of files of a plan.</summary>
    /// <param name="plan">What is rounded in them; null where activations stay floats.</param>
    internal FileSize FileSizeOf(ActivationPlan? plan) => new(Graph, Layers, plan);

    /// <summary>Finished units: read and added to.</summary>
    internal RecordStore OpenRecords() => folder.OpenRecords(mustKeep: false);

    /// <summary>Loss increase over all images with chosen weights and float activations; most choices have been measured before.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="stage">Name of the stage.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    internal double WeightLoss(
        IReadOnlyList<Candidate> chosen, string stage, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        bool areRows = chosen.All(c => Rows.Items.Contains(c, ReferenceEqualityComparer.Instance));
        // Records are of one provider. Where that is not here, the file is not kept waiting for a GPU.
        var provider = folder.Description.MeasuredOn();
        bool isRecorded = areRows && folder.Description.MeasuresFloats && (provider == Provider.Cpu || CudaDevice.Missing is null);
        var set = isRecorded ? Rows : new CandidateSet([.. chosen.Select(c => c.Layer)], chosen);
        using var records = isRecorded ? OpenRecords() : new RecordStore();
        var work = On(null, null, cancellation) with { Provider = isRecorded ? provider : Provider.Cpu };
        var inputs = new MeasurementInputs(Graph, set, work) { Scales = Scales };
        return new ChoiceMeasurement(inputs, [], options, records, progress).Loss(set.RowsOf(chosen), stage);
    }

    /// <inheritdoc cref="RunFolder.ReadTuning"/>
    internal TuningState? ReadTuning(TuningTask task, string key) => folder.ReadTuning(task, key);

    /// <inheritdoc cref="RunFolder.KeepTuning"/>
    internal void KeepTuning(TuningState state, string key) => folder.KeepTuning(state, key);

    /// <inheritdoc cref="RunFolder.ReadBlocks"/>
    internal BlockState? ReadBlocks(TuningTask task, string key, int blocks) => folder.ReadBlocks(task, key, blocks);

    /// <inheritdoc cref="RunFolder.KeepBlocks"/>
    internal void KeepBlocks(BlockState state, string key) => folder.KeepBlocks(state, key);

    /// <summary>What stays as it is in a file.</summary>
    /// <param name="plan">What is rounded in it; null where activations stay floats.</param>
    internal IReadOnlyList<KeptOperation> KeptBy(ActivationPlan? plan) =>
        (plan?.Written(Graph, measured.Space.Layers) ?? measured.Space.Layers).Kept;

    /// <summary>A budget, as long as it can be promised.</summary>
    /// <param name="budget">Its text.</param>
    /// <param name="graph">The network.</param>
    /// <param name="activations">What becomes of activations.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <exception cref="CladoException">The budget is none, or limits what is not known before the file is written.</exception>
    internal static Budget BudgetOf(string budget, Graph graph, ActivationOptions activations, AllocationLimits? limits)
    {
        if (activations.Format == ActivationFormat.Auto && limits?.BitOperations is not null)
        {
            throw new CladoException(
                $"{Settings.BitOperations} counts bits of activations, which {Settings.Activations} auto chooses when the file is written; "
                + $"use {Settings.Activations} 8 or float with it");
        }
        return Budget.Parse(budget, graph.FileSizeBytes, limits);
    }
}
