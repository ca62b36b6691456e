namespace Clado.Activations;

/// <summary>Activations of a network as they are written.</summary>
/// <param name="Plan">What is put on grids.</param>
/// <param name="Ranges">The grids.</param>
public sealed record QuantizedActivations(ActivationPlan Plan, ActivationRanges Ranges);
