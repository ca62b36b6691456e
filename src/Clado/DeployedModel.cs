using Clado.Activations;
using Clado.Allocation;
using Clado.Evaluation;
using Clado.Layers;
using Clado.Tuning;

namespace Clado;

/// <summary>A quantized model that was written, run and found sound.</summary>
/// <param name="Allocation">The choice as it was written: codes and size are the file's.</param>
/// <param name="Path">Path of the file.</param>
/// <param name="Parity">How close its outputs are to those of a simulation of its bits in floats.</param>
public sealed record DeployedModel(AllocationResult Allocation, string Path, ParityResult Parity)
{
    /// <summary>Its bytes; of a model beyond 2 GiB, with those of the file that has its data.</summary>
    public long SizeBytes => Allocation.SizeBytes;

    /// <summary>The file on the run's images, against the float model; null where that was not asked for.</summary>
    public EvaluationResult? Evaluation { get; init; }

    /// <summary>What of its loss is due to rounded activations; null where they stay floats.</summary>
    public ActivationEffect? Activations { get; init; }

    /// <summary>What stays as it is in the file, operators and constants, and why. Shape: [kept].</summary>
    public IReadOnlyList<KeptOperation> Kept { get; init; } = [];

    /// <summary>Operations that compute in floats though activations are written as integers, and why. Shape: [operations].</summary>
    public IReadOnlyList<KeptOperation> FloatOperations { get; init; } = [];

    /// <summary>What corrected biases gain; null where none were corrected, or it was not measured.</summary>
    public BiasEffect? Biases { get; init; }

    /// <summary>What refining changed; null where that was not asked for.</summary>
    public RefinementEffect? Refinement { get; init; }

    /// <summary>What tuning changed; null where that was not asked for.</summary>
    public TuningEffect? Tuning { get; init; }
}

/// <summary>What rounding again with known widths changed.</summary>
/// <param name="LossBefore">Loss increase of the file before, on the run's images.</param>
/// <param name="LossAfter">Loss increase of the refined file.</param>
public sealed record RefinementEffect(double LossBefore, double LossAfter)
{
    /// <summary>Whether the refined file was kept: it loses less.</summary>
    public bool IsKept => LossAfter < LossBefore;
}
