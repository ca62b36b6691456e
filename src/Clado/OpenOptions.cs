using Clado.Activations;
using Clado.Execution;

namespace Clado;

/// <summary>How a run folder is used from now on; what is left out is as the measurement was asked for.</summary>
public sealed record OpenOptions
{
    /// <summary>Threads and memory for what is measured from now on.</summary>
    public Resources Resources { get; init; } = new();

    /// <summary>What activations are written as.</summary>
    public ActivationFormat? Activations { get; init; }

    /// <summary>How the intervals of 8-bit grids are chosen. Where it alone is given, activations are written as 8-bit integers.</summary>
    public RangeMethod? Ranges { get; init; }

    /// <summary>Opset of written files, one of <see cref="PipelineOptions.Opsets"/>.</summary>
    public int? Opset { get; init; }

    /// <summary>Whether tensors and nodes are called as in the model, see <see cref="PipelineOptions.KeepNames"/>.</summary>
    public bool? KeepNames { get; init; }

    /// <summary>What becomes of activations.</summary>
    /// <param name="otherwise">What does where nothing is said.</param>
    public ActivationOptions ActivationsOr(ActivationOptions otherwise)
    {
        ArgumentNullException.ThrowIfNull(otherwise);
        return Activations is ActivationFormat.Float or ActivationFormat.Keep ? new() { Format = Activations.Value }
            : Activations is null && Ranges is null ? otherwise
            : new() { Format = Activations ?? ActivationFormat.Int8, Ranges = Ranges ?? otherwise.Ranges };
    }
}
