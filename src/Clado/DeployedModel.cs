using Clado.Allocation;
using Clado.Evaluation;

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

    /// <summary>What corrected biases gain; null where none were corrected, or it was not measured.</summary>
    public BiasEffect? Biases { get; init; }

    /// <summary>What refining changed; null where that was not asked for.</summary>
    public RefinementEffect? Refinement { get; init; }
}

/// <summary>What rounding again with known widths changed.</summary>
/// <param name="LossBefore">Loss increase of the file before, on the run's images.</param>
/// <param name="LossAfter">Loss increase of the refined file.</param>
public sealed record RefinementEffect(double LossBefore, double LossAfter)
{
    /// <summary>Whether the refined file was kept: it loses less.</summary>
    public bool IsKept => LossAfter < LossBefore;
}
