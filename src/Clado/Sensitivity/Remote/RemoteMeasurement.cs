using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Google.Protobuf;
using static System.FormattableString;

namespace Clado.Sensitivity.Remote;

/// <summary>
/// A measurement that other machines do: its batches are groups of units, and the pixels of a batch are what they work on.
/// </summary>
internal sealed class RemoteMeasurement : RemoteTask
{
    // The same network and candidates are measured again and again, around choices and on other images.
    private static readonly ConditionalWeakTable<Graph, Blob> Models = [];
    private static readonly ConditionalWeakTable<CandidateSet, Blob> Sets = [];

    private readonly LoadedTask loaded;
    private readonly MeasurementPlan plan;
    private readonly Blob model;
    private readonly Blob candidates;

    /// <summary>Makes what other machines are told.</summary>
    /// <param name="loaded">The task.</param>
    /// <param name="plan">Its units.</param>
    /// <exception cref="CladoException">The network is too large to be handed on.</exception>
    public RemoteMeasurement(LoadedTask loaded, MeasurementPlan plan)
    {
        (this.loaded, this.plan) = (loaded, plan);
        var inputs = loaded.Task.Inputs;
        if (inputs.Work.Provider != Provider.Cpu)
        {
            throw new CladoException($"{Settings.Machines}: workers measure on processors, and this run on a GPU; leave it out, or measure "
                + $"another run with {Settings.Provider} cpu");
        }
        if (inputs.Graph.Model.SizeBytes() > OnnxFile.MaximumSizeBytes)
        {
            throw new CladoException(Invariant($"{Path.GetFileName(inputs.Graph.File)}: has more than 2 GiB, which are not handed to ")
                + $"other machines; leave {Settings.Machines} out");
        }
        model = Models.GetValue(inputs.Graph, graph => Blob.Of(stream => graph.Model.WriteTo(stream)));
        candidates = Sets.GetValue(inputs.Candidates, set => Blob.Of(stream => CandidateBytes.Write(set, stream)));
        Description = Blob.Of(Describe().ToBytes());
    }

    public override Blob Description { get; }

    public override IReadOnlyList<Blob> Files => [model, candidates];

    public override int GroupCount => plan.Count;

    public override CancellationToken Cancellation => loaded.Task.Inputs.Work.Cancellation;

    public override IReadOnlyList<RemoteUnit> Units(int group)
    {
        var batch = plan[group];
        if (loaded.Records.Find<double>(batch.Key, loaded.Task.SumCount) is not null)
        {
            return [];
        }
        var missing = new List<RemoteUnit>();
        foreach (var unit in batch.Units)
        {
            int bytes = unit.ValueCount * loaded.Task.Estimator.ValueBytes;
            if (loaded.Records.Find<byte>(unit.Key, bytes) is null)
            {
                missing.Add(new RemoteUnit(unit.Key, group, unit.Row, bytes));
            }
            else
            {
                loaded.Progress.Add(unit.Macs);
            }
        }
        return missing;
    }

    public override Blob Input(int group) =>
        Blob.Of(MemoryMarshal.AsBytes(loaded.Task.Batches(plan.BatchSize).Load(group).Pixels.AsSpan()).ToArray());

    public override void Keep(RemoteUnit unit, byte[] values)
    {
        loaded.Records.GetOrAdd(unit.Key, () => values, (int)unit.Bytes);
        loaded.Progress.Add(plan[unit.Group].Units[unit.Row].Macs);
    }

    private TaskFile Describe()
    {
        var task = loaded.Task;
        var (graph, _, work) = task.Inputs;
        var state = graph.State;
        return new TaskFile
        {
            Model = model.Hash,
            Candidates = candidates.Hash,
            // Where the file lies is nobody's matter, and would make another task of the same network elsewhere.
            Graph = state with { Source = state.Source with { File = Path.GetFileName(state.Source.File) } },
            Preprocessing = work.Preprocessing.ToJson(),
            Images = [.. work.Images.Items.Select(item => new NamedImage(item.Name, item.Label))],
            Part = task.Inputs.Part,
            Forward = task.Inputs.Forward,
            Rows = task.Inputs.Rows,
            Scales = task.Inputs.Scales,
            OperatingPoint = task.OperatingPoint,
            Estimator = task.EstimatorName,
            Loss = task.LossName,
            BatchSize = plan.BatchSize,
        };
    }
}
