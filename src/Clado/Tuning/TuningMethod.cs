namespace Clado.Tuning;

/// <summary>What is done with codes, scales and biases once the widths are known.</summary>
public enum TuningMethod
{
    /// <summary>They stay as they were rounded.</summary>
    None,

    /// <summary>Distillation: the whole network is tuned, by gradients, to give the float network's answers.</summary>
    Network,

    /// <summary>Reconstruction: one block after the other is tuned, by gradients, to give what it gives in the float network.</summary>
    Blocks,

    /// <summary>Blocks, then the network from what images held back say is better; of both what these images say gains.</summary>
    Auto,
}
