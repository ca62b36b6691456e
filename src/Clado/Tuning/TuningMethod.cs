namespace Clado.Tuning;

/// <summary>What is done with codes, scales and biases once the widths are known.</summary>
public enum TuningMethod
{
    /// <summary>They stay as they were rounded.</summary>
    None,

    /// <summary>Distillation: the whole network is tuned, by gradients, to give the float network's answers.</summary>
    Network,
}
