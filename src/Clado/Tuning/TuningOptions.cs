using static System.FormattableString;

namespace Clado.Tuning;

/// <summary>How codes, scales and biases are tuned.</summary>
/// <param name="Method">What is done.</param>
public sealed record TuningOptions(TuningMethod Method)
{
    /// <summary>Nothing is done.</summary>
    public static TuningOptions None { get; } = new(TuningMethod.None);

    /// <summary>
    /// Passes over the run's images that it may take, about; null for 64 of <see cref="TuningMethod.Network"/> and 32 of the others. At
    /// least one epoch is done. Range: [1, inf).
    /// </summary>
    /// <exception cref="CladoException">It is out of its range.</exception>
    public int? Passes
    {
        get;
        init => field = value is null or >= 1
            ? value
            : throw new CladoException(Invariant($"{Settings.TunePasses} {value}: 1 or more are wanted"));
    }

    /// <summary>Whether anything is done.</summary>
    internal bool Tunes => Method != TuningMethod.None;

    /// <summary>Epochs of each block; 0 where blocks are not tuned.</summary>
    internal int BlockEpochs => Method is TuningMethod.Blocks or TuningMethod.Auto ? EpochsOf(BlockTuning.PassesPerEpoch) : 0;

    /// <summary>Epochs of the whole network; 0 where it is not tuned.</summary>
    internal int NetworkEpochs => Method switch
    {
        TuningMethod.Network when Passes is null => NetworkTuning.Epochs,
        TuningMethod.Network or TuningMethod.Auto => EpochsOf(NetworkTuning.PassesPerEpoch),
        _ => 0,
    };

    /// <summary>Passes that it is expected to take.</summary>
    internal double ExpectedPasses => (NetworkEpochs * NetworkTuning.PassesPerEpoch)
        + (BlockEpochs > 0 ? (BlockEpochs * BlockTuning.PassesPerEpoch) + BlockTuning.OtherPasses : 0);

    private const int UsualPasses = 32;

    private int EpochsOf(int passes) =>
        Math.Max(1, (Passes ?? UsualPasses) / (Method == TuningMethod.Auto ? 2 : 1) / passes);
}
