using Clado.Graphs;
using Clado.Images;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>What is measured, on whatever machine: network and operating point, candidates, images, estimator and loss.</summary>
internal sealed class MeasurementTask
{
    private readonly Lazy<NetworkCuts> cuts;
    private readonly Lazy<IEstimator> estimator;
    private readonly Lazy<ChannelOffsets?> channels;

    /// <param name="inputs">Network, candidates and images.</param>
    /// <param name="operatingPoint">
    /// Row of each layer's candidate in the network to measure around; empty for the float network. Shape: [layers].
    /// </param>
    /// <param name="options">Estimator and loss.</param>
    /// <exception cref="CladoException">The loss does not fit the network or the images.</exception>
    public MeasurementTask(MeasurementInputs inputs, IReadOnlyList<int> operatingPoint, SensitivityOptions options)
    {
        (Inputs, OperatingPoint) = (inputs, operatingPoint);
        var readout = Readout.Of(inputs.Graph);
        Losses = new LossFactory(inputs.Graph, readout, inputs.Work.Images, options.Loss, inputs.Scales);
        Key = inputs.Part + (IsFloat ? "float" : MeasurementInputs.KeyOf(operatingPoint));
        cuts = new(() => new NetworkCuts(inputs.Graph, inputs.Candidates.Layers, readout));
        channels = new(() => inputs.Rows ? ChannelOffsets.Of(Cuts, inputs.Candidates) : null);
        (EstimatorName, LossName) = (options.Estimator, options.Loss);
        estimator = new(() => Estimators.For(EstimatorName, Cuts));
    }

    /// <summary>Network, candidates and images.</summary>
    public MeasurementInputs Inputs { get; }

    /// <summary>Row of each layer's candidate in the network to measure around; empty for the float network. Shape: [layers].</summary>
    public IReadOnlyList<int> OperatingPoint { get; }

    /// <summary>Whether the float network is measured around.</summary>
    public bool IsFloat => OperatingPoint.Count == 0;

    /// <summary>Whether small changes may gain: the loss is not least where the measurement stands.</summary>
    public bool HasSlope => !IsFloat || Losses.HasSlope;

    /// <summary>Name of the estimator that was asked for.</summary>
    public string EstimatorName { get; }

    /// <summary>Name of the loss that was asked for; null to choose by the network.</summary>
    public string? LossName { get; }

    /// <summary>How the matrix is filled.</summary>
    public IEstimator Estimator => estimator.Value;

    /// <summary>Makes the loss of a batch.</summary>
    public LossFactory Losses { get; }

    /// <summary>How the names of all its records begin.</summary>
    public string Key { get; }

    /// <summary>Where the network is cut.</summary>
    public NetworkCuts Cuts => cuts.Value;

    /// <summary>Where the rows of candidates lie that are measured too; null where none are.</summary>
    public ChannelOffsets? Channels => channels.Value;

    /// <summary>MACs an image of what is run once a batch: the network that is measured around, and the float one.</summary>
    public double BaseMacs => (IsFloat ? 1 : 2) * (double)Cuts.Macs;

    /// <summary>Moments of all entries of the matrix.</summary>
    public int MatrixSumCount => 2 * Inputs.Candidates.Items.Count * Inputs.Candidates.Items.Count;

    /// <summary>Those, moments of rows where these are measured, and the loss of the float network.</summary>
    public int SumCount => MatrixSumCount + (ChannelMoments.Kinds * (Channels?.Count ?? 0)) + 1;

    /// <summary>What measuring takes of memory.</summary>
    public MemoryNeeds MemoryNeeds()
    {
        var memory = Estimators.MemoryOf(EstimatorName, Cuts, Inputs.Candidates);
        memory = Inputs.Rows ? memory.WithRows(Inputs.Candidates) : memory;
        // Around a choice there is another network.
        memory = memory with { Bytes = memory.Bytes + (IsFloat ? 0 : Inputs.Graph.FileSizeBytes) };
        return new(Cuts, Inputs.Candidates, memory with { IsWhole = memory.IsWhole && Inputs.Forward.Count == 0 }, Inputs.Work.Provider);
    }

    /// <summary>
    /// Images a batch: the run's, or where it has none yet, what suits this machine. Around a choice that is so too where the run's do not
    /// fit into memory: nothing that is begun has to go on then.
    /// </summary>
    public int BatchSize()
    {
        var (needs, memory) = (MemoryNeeds(), Inputs.Work.MemoryBytes);
        return Inputs.BatchSize is { } size && (IsFloat || needs.Fits(size, memory)) ? size : needs.ChooseBatchSize(memory);
    }

    /// <summary>The images in batches.</summary>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    public ImageBatches Batches(int batchSize) => Inputs.Work.Batches(Inputs.Graph, batchSize);
}
