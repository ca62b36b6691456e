namespace Clado.Activations;

/// <summary>Activations of a network as they are written: which are put on 8-bit grids, and the grids.</summary>
internal sealed record QuantizedActivations
{
    /// <param name="plan">What is put on grids.</param>
    /// <param name="ranges">The grids.</param>
    internal QuantizedActivations(ActivationPlan plan, ActivationRanges ranges) => (Plan, Ranges) = (plan, ranges);

    /// <summary>What is put on grids.</summary>
    internal ActivationPlan Plan { get; }

    /// <summary>The grids.</summary>
    internal ActivationRanges Ranges { get; }

    /// <summary>How they were repaired; null where they were not.</summary>
    internal RepairEffect? Repair { get; init; }
}
