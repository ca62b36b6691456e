namespace Clado.Execution;

/// <summary>Where networks run while losses are measured (docs/cuda.md).</summary>
public enum Provider
{
    /// <summary>On the processor's cores.</summary>
    Cpu,

    /// <summary>On an NVIDIA GPU.</summary>
    Cuda,

    /// <summary>On a GPU where this build and this machine have what it takes, else on the processor.</summary>
    Auto,
}
